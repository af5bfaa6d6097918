"""What a body may be, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message

from deployster_cli.server.app import HEADERS
from deployster_cli.server.middleware.body_limits import MOST_BYTES, Limits
from deployster_cli.server.state import Serving
from tests.server.app_given import LOGIN, Client, GatedEngine

DEPLOYS = "/v1/services/carousel/deploys"
JSON = {"Content-Type": "application/json"}


async def in_pieces(total: int) -> AsyncIterator[bytes]:
    """A chunked body."""
    for _ in range(total // 1024):
        yield b" " * 1024


def test_a_body_over_64_kib_is_refused_by_its_length(client: Client) -> None:
    assert client.post(DEPLOYS, content=b" " * (MOST_BYTES + 1), headers=JSON).status_code == 413


def test_a_body_over_64_kib_is_refused_though_it_does_not_say_its_length(client: Client) -> None:
    assert client.post(DEPLOYS, content=in_pieces(MOST_BYTES + 1024), headers=JSON).status_code == 413


def test_a_body_of_64_kib_is_read(client: Client) -> None:
    body = b'{"deploy":{"version":"v2"}}'.ljust(MOST_BYTES)
    assert client.post(DEPLOYS, content=body, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data", ""]
)
def test_a_body_that_does_not_say_it_is_json_is_refused(client: Client, content_type: str) -> None:
    body = b'{"deploy":{"version":"v2"}}'
    assert client.post(DEPLOYS, content=body, headers={"Content-Type": content_type}).status_code == 415


def test_a_page_elsewhere_can_not_send_a_form(client: Client) -> None:
    assert client.post("/v1/services/carousel/restart", data={"a": "b"}).status_code == 415


def test_the_content_type_may_have_parameters(client: Client) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post(DEPLOYS, content=b'{"deploy":{"version":"v2"}}', headers=headers).status_code == 201


def test_a_route_that_is_not_there_is_a_404_whatever_the_body(client: Client) -> None:
    assert client.post("/v1/nope", content=b"x").status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"\xff\xfe", b"{'a': 1}"])
def test_what_is_no_json_is_a_400_or_422(client: Client, body: bytes) -> None:
    assert client.post(DEPLOYS, content=body, headers=JSON).status_code in {400, 422}


REFUSED: tuple[Any, ...] = (
    {},
    {"deploy": None},
    {"deploy": {}},
    {"deploy": []},
    [],
    None,
    "x",
    1,
    {"deploy": {"version": ""}},
    {"deploy": {"version": None}},
    {"deploy": {"version": 1}},
    {"deploy": {"version": "a:b"}},
    {"deploy": {"version": "a/b"}},
    {"deploy": {"version": "a\nb"}},
    {"deploy": {"version": "-x"}},
    {"deploy": {"version": "x" * 129}},
    {"deploy": {"version": "v2", "instance_count": -1}},
    {"deploy": {"version": "v2", "instance_count": 0}},
    {"deploy": {"version": "v2", "instance_count": 10**30}},
    {"deploy": {"version": "v2", "instance_count": "2"}},
    {"deploy": {"version": "v2", "instance_count": True}},
    {"deploy": {"version": "v2", "timeout": "-1s"}},
    {"deploy": {"version": "v2", "unknown": 1}},
    {"deploy": {"version": "v2"}, "unknown": 1},
    {"deploy": {"version": "v2", "env": {"A": "b\nc"}}},
)


@pytest.mark.parametrize("body", REFUSED, ids=json.dumps)
def test_what_the_go_service_fell_over_or_took_is_refused_in_a_sentence(client: Client, body: Any) -> None:
    answer = client.post(DEPLOYS, content=json.dumps(body), headers=JSON)
    problem = answer.json()
    assert (answer.status_code, problem["exit_code"], problem["detail"][-1:]) == (422, 2, ".")


@pytest.mark.parametrize("body", REFUSED, ids=json.dumps)
def test_what_is_refused_makes_no_job(client: Client, serving: Serving, body: Any) -> None:
    client.post(DEPLOYS, content=json.dumps(body), headers=JSON)
    assert serving.jobs.of(None, 10) == []


@pytest.mark.parametrize("version", ["%20", "a:b", "a%0Ab", "..", "*", "-"])
def test_no_odd_version_in_a_delete_matches_anything(client: Client, engine: GatedEngine, version: str) -> None:
    client.request("DELETE", f"{DEPLOYS}/{version}")
    assert len(engine.lives) == 2


def test_a_slip_in_a_parameter_destroys_nothing(client: Client, serving: Serving) -> None:
    answer = client.request("DELETE", f"{DEPLOYS}/v1?instnace=1")
    assert (answer.status_code, answer.json()["detail"], serving.jobs.of(None, 10)) == (
        422,
        "There is no parameter 'instnace' here.",
        [],
    )


@pytest.mark.parametrize("path", [f"{DEPLOYS}/", DEPLOYS])
def test_an_empty_version_in_a_delete_matches_no_route(client: Client, path: str) -> None:
    assert client.request("DELETE", path).status_code in {404, 405}


def test_a_secret_in_a_body_is_not_repeated(client: Client) -> None:
    body = {"deploy": {"version": "v2", "env": {"PASSWORD": "hunter2\n"}}}
    assert "hunter2" not in client.post(DEPLOYS, json=body).text


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/services", "/nope", "/v1/services/BAD/units"])
def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert [headers.get(name.decode()) for name, _ in HEADERS] == [value.decode() for _, value in HEADERS]


def test_a_refusal_at_the_door_has_them_too(stranger: Client) -> None:
    assert "content-security-policy" in stranger.get("/v1/services").headers


def test_what_is_answered_is_kept_nowhere(client: Client) -> None:
    assert client.get("/v1/services").headers["cache-control"] == "no-store"


def test_the_framework_adds_no_pages_of_its_own(client: Client) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_a_fault_of_ours_is_a_500_without_a_word_of_why(client: Client, engine: GatedEngine) -> None:
    engine.failure = ZeroDivisionError("the secret of the engine")
    answer = client.get("/v1/units")
    assert (answer.status_code, answer.json()["exit_code"], "secret" in answer.text) == (500, 3, False)


def test_the_traceback_of_a_fault_goes_to_the_log(
    client: Client, engine: GatedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.failure = ZeroDivisionError("the engine's own")
    client.get("/v1/units")
    assert "ZeroDivisionError: the engine's own" in caplog.text


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The facts of every request from now on."""
    caplog.set_level(logging.INFO, "deployster.access")
    found: list[dict[str, Any]] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.facts)  # type: ignore[attr-defined]

    logging.getLogger("deployster.access").addHandler(Keeper())
    return found


def test_a_request_is_one_line_of_the_log(client: Client, lines: list[dict[str, Any]]) -> None:
    client.get("/v1/services/carousel/units", headers={"X-Request-ID": "abc"})
    facts = {name: lines[-1][name] for name in ("id", "client", "user", "method", "path", "status")}
    assert facts == {
        "id": "abc",
        "client": "203.0.113.7",
        "user": LOGIN.username,
        "method": "GET",
        "path": "/v1/services/carousel/units",
        "status": 200,
    }


def test_no_secret_is_in_the_log(client: Client, lines: list[dict[str, Any]]) -> None:
    client.post(f"{DEPLOYS}?password=hunter2", json={"deploy": {"version": "v2", "env": {"P": "hunter2"}}})
    text = json.dumps(lines)
    assert not [secret for secret in ("hunter2", LOGIN.password) if secret in text]


def test_a_line_break_in_a_path_is_no_line_break_in_the_log(client: Client, lines: list[dict[str, Any]]) -> None:
    client.get("/v1/a%0Ab")
    assert "\n" not in json.dumps(lines[-1])


def test_a_request_id_that_is_none_is_replaced(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_once_the_door_is_closed_everybody_is_told_to_come_again(client: Client, serving: Serving) -> None:
    serving.door.close()
    answer = client.get("/v1/services")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    sent: list[Message] = []

    async def silent() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(*_: object) -> None:
        raise AssertionError("it must not get there")

    scope = {"type": "http", "method": "DELETE", "headers": [(b"content-length", b"9")]}
    asyncio.run(Limits(app, longest_body=0.05)(scope, silent, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://deployster.test.evil.example"},
    ],
    ids=str,
)
def test_a_page_of_another_site_changes_nothing(
    client: Client, serving: Serving, method: str, headers: dict[str, str]
) -> None:
    path = DEPLOYS if method == "POST" else f"{DEPLOYS}/v1"
    body = {"json": {"deploy": {"version": "v2"}}} if method == "POST" else {}
    assert (client.request(method, path, headers=headers, **body).status_code, serving.jobs.of(None, 10)) == (403, [])


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://deployster.test"}], ids=str)
def test_our_own_page_may_change(client: Client, headers: dict[str, str]) -> None:
    assert client.post(DEPLOYS, json={"deploy": {"version": "v2"}}, headers=headers).status_code == 201
