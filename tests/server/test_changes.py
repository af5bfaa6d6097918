"""The routes that change services, over HTTP: what they take, what they refuse, what they answer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from deployster_cli.config.load import load
from deployster_cli.domain.change import Intent, Verb
from deployster_cli.domain.durations import parse_duration
from deployster_cli.domain.events import Gone, Starting
from deployster_cli.domain.rollout.plan import Policy
from deployster_cli.domain.units.model import OnFailure, Order
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import Locked, NotFound
from deployster_cli.server.app import create_app
from deployster_cli.server.middleware.credentials import Login
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing
from tests.commands.conftest import PROJECT
from tests.server.given import NAME, Script, opened, until
from tests.simulation import SimClock, SimEngine

BASE = "/v1/services/carousel"
HEADERS = {"Authorization": "Basic " + base64.b64encode(b"deployster:pass").decode()}


class Server:
    """An app over a model of an engine, its jobs carried out by a script."""

    def __init__(self, serving: Serving, script: Script, engine: SimEngine, http: TestClient) -> None:
        self.serving = serving
        self.script = script
        self.engine = engine
        self.http = http

    def post(self, path: str, body: object, **more: Any) -> Any:
        return self.http.post(f"{BASE}/{path}", json=body, **more)

    def intent(self) -> Intent:
        """What the last job was accepted for."""
        until(lambda: self.script.seen)
        return self.script.seen[-1].intent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "deployster.toml").write_text(PROJECT)
    engine = SimEngine(SimClock())
    script = Script(events=(Starting(1, 1, (NAME,)), Gone(NAME, 1.5)))
    for jobs in opened(tmp_path, script):
        serving = Serving(
            load({}, {}, tmp_path),
            lambda: engine,
            engine.clock,
            Login("deployster", "pass"),
            Listing(engine, engine.clock),
            jobs,
        )
        with TestClient(create_app(serving), headers=HEADERS, base_url="http://localhost") as http:
            yield Server(serving, script, engine, http)


def test_the_seeds_request_is_accepted_as_a_job(server: Server) -> None:
    answer = server.post("deploys", {"deploy": {"version": "9f88701", "destroy_previous": True}})
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{BASE}/deploys/{job['id']}")
    assert (job["state"], job["verb"], job["version"]) == ("queued", "deploy", "9f88701")
    assert server.intent() == Intent(
        Verb.DEPLOY, "carousel", "9f88701", destroy_previous=True, lock_wait=300.0, policy=Policy()
    )


@pytest.mark.parametrize("only", [[], ["carousel-v\\x2d1@1.service", "carousel:9f8:2015.03.02-00.31.45@2.service"]])
def test_what_is_to_be_taken_over_can_be_named(server: Server, only: list[str]) -> None:
    deploy = {"version": "v2", "destroy_previous": True, "adopt_only": only}
    assert server.post("deploys", {"deploy": deploy}).status_code == 201
    intent = server.intent()
    assert (intent.adopt, [name.text for name in intent.adopt_only or ()]) == (bool(only), only)


def test_a_destroy_names_it_in_its_address(server: Server) -> None:
    query, prefer = {"adopt_only": ["carousel-v1@1.service", "carousel-v1@2.service"]}, {"Prefer": "respond-async"}
    answer = server.http.delete(f"{BASE}/deploys/v1", params=query, headers=prefer)
    assert (answer.status_code, server.intent().adopts) == (202, tuple(UnitName("carousel", "v1", n) for n in (1, 2)))


def test_every_field_reaches_the_intent(server: Server) -> None:
    given = {
        "version": "v1",
        "instance_count": 3,
        "batch_size": 2,
        "timeout": "1m",
        "settle": 5,
        "order": "stop-first",
        "on_failure": "keep",
        "before": ["rake db:migrate"],
        "template": "process",
        "set": {"directory": "/srv/x"},
        "env": {"TOKEN": "geheim=1"},
        "recreate": True,
        "lock_wait": "0s",
        "by": "ann@laptop",
    }
    answer = server.post("deploys", {"deploy": given})
    assert server.intent() == Intent(
        Verb.DEPLOY,
        "carousel",
        "v1",
        instances=3,
        batch=2,
        recreate=True,
        before=("rake db:migrate",),
        template="process",
        sets=("directory=/srv/x",),
        envs=("TOKEN=geheim=1",),
        policy=Policy(5.0, parse_duration("1m"), Order.STOP_FIRST, OnFailure.KEEP),
    )
    assert answer.json()["by"] == "ann@laptop"
    assert answer.json()["request"] == {**given, "env": {"TOKEN": "***"}, "set": {"directory": "***"}}


@pytest.mark.parametrize(
    ("path", "body", "intent"),
    [
        ("rollback", {}, Intent(Verb.ROLLBACK, "carousel", lock_wait=300.0)),
        ("rollback", {"rollback": {"version": "v0"}}, Intent(Verb.ROLLBACK, "carousel", "v0", lock_wait=300.0)),
        ("scale", {"scale": {"instance_count": 4}}, Intent(Verb.SCALE, "carousel", instances=4, lock_wait=300.0)),
        (
            "restart",
            {"restart": {"accept_changes": True}},
            Intent(Verb.RESTART, "carousel", as_now=True, lock_wait=300.0),
        ),
    ],
)
def test_the_other_verbs_are_jobs_too(server: Server, path: str, body: object, intent: Intent) -> None:
    assert server.post(path, body).status_code == 201
    assert server.intent() == intent


def test_who_asked_is_the_login_and_the_address_unless_it_says_who(server: Server) -> None:
    assert server.post("deploys", {"deploy": {"version": "v1"}}).json()["by"] == "deployster@testclient"


REFUSED: tuple[tuple[str, object, str], ...] = (
    ("deploys", {}, "deploy"),
    ("deploys", {"deploy": None}, "deploy"),
    ("deploys", {"deploy": {}}, "deploy.version"),
    ("deploys", {"deploy": {"version": ""}}, "deploy.version"),
    ("deploys", {"deploy": {"version": "a:b"}}, "deploy.version"),
    ("deploys", {"deploy": {"version": "v1\n"}}, "deploy.version"),
    ("deploys", {"deploy": {"version": 1}}, "deploy.version"),
    ("deploys", {"deploy": {"version": "v1", "verison": "v2"}}, "deploy.verison"),
    ("deploys", {"deploy": {"version": "v1"}, "more": 1}, "more"),
    ("deploys", {"deploy": {"version": "v1", "instance_count": -1}}, "deploy.instance_count"),
    ("deploys", {"deploy": {"version": "v1", "instance_count": 1001}}, "deploy.instance_count"),
    ("deploys", {"deploy": {"version": "v1", "instance_count": True}}, "deploy.instance_count"),
    ("deploys", {"deploy": {"version": "v1", "instance_count": "3"}}, "deploy.instance_count"),
    ("deploys", {"deploy": {"version": "v1", "destroy_previous": "yes"}}, "deploy.destroy_previous"),
    ("deploys", {"deploy": {"version": "v1", "adopt_only": ["web"]}}, "deploy.adopt_only.0"),
    ("deploys", {"deploy": {"version": "v1", "adopt_only": ["web-v1@1.service"]}}, "--destroy-previous"),
    ("deploys", {"deploy": {"version": "v1", "batch_size": 0}}, "deploy.batch_size"),
    ("deploys", {"deploy": {"version": "v1", "timeout": "soon"}}, "deploy.timeout"),
    ("deploys", {"deploy": {"version": "v1", "timeout": "2000h"}}, "deploy.timeout"),
    ("deploys", {"deploy": {"version": "v1", "timeout": -1}}, "deploy.timeout"),
    ("deploys", {"deploy": {"version": "v1", "settle": "10m"}}, "settle must be shorter"),
    ("deploys", {"deploy": {"version": "v1", "order": "sideways"}}, "deploy.order"),
    ("deploys", {"deploy": {"version": "v1", "env": {"A B": "1"}}}, "A B"),
    ("deploys", {"deploy": {"version": "v1", "env": {"A=B": "1"}}}, "deploy.env"),
    ("deploys", {"deploy": {"version": "v1", "env": {"A": "x\ny"}}}, "deploy.env"),
    ("deploys", {"deploy": {"version": "v1", "set": {"nosuch": "1"}}}, "nosuch"),
    ("deploys", {"deploy": {"version": "v1", "template": "nosuch"}}, "nosuch"),
    ("deploys", {"deploy": {"version": "v1", "by": "a\nb"}}, "deploy.by"),
    ("deploys", {"deploy": {"version": "v1", "before": [""]}}, "deploy.before.0"),
    ("scale", {"scale": {}}, "scale.instance_count"),
    ("scale", {"scale": {"instance_count": 0}}, "scale.instance_count"),
)


@pytest.mark.parametrize(("path", "body", "what"), REFUSED)
def test_what_the_command_line_would_refuse_is_a_422_that_names_it(
    server: Server, path: str, body: object, what: str
) -> None:
    answer = server.post(path, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert what in answer.json()["detail"]
    assert server.serving.jobs.of(None) == []


def test_a_service_that_can_not_be_is_refused(server: Server) -> None:
    answer = server.http.post("/v1/services/No_Such/deploys", json={"deploy": {"version": "v1"}})
    assert (answer.status_code, "can't name a service" in answer.json()["detail"]) == (422, True)


def test_no_value_of_env_is_in_an_answer(server: Server) -> None:
    answer = server.post("deploys", {"deploy": {"version": "v1", "env": {"A": "geheim\n"}}})
    assert "geheim" not in answer.text


def test_a_dry_run_shows_the_plan_and_makes_no_job(server: Server) -> None:
    answer = server.post("deploys", {"deploy": {"version": "v1", "instance_count": 2, "dry_run": True}})
    assert answer.status_code == 200
    assert answer.json()["plan"]["steps"][0]["start"] == ["carousel-v1@1.service", "carousel-v1@2.service"]
    assert answer.json()["plan"]["instances"] == {"number": 2, "reason": "--instances", "before": None}
    assert (server.serving.jobs.of(None), server.engine.lives) == ([], {})


def test_the_same_key_is_the_same_job(server: Server) -> None:
    body = {"deploy": {"version": "v1"}}
    first, again = (server.post("deploys", body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 201, again.json()["id"])


def test_the_same_key_with_another_body_is_refused(server: Server) -> None:
    server.post("deploys", {"deploy": {"version": "v1"}}, headers={"Idempotency-Key": "k"})
    answer = server.post("deploys", {"deploy": {"version": "v2"}}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (422, True)


def test_jobs_are_listed_newest_first_of_one_service_and_of_all(server: Server) -> None:
    ids = [server.post("deploys", {"deploy": {"version": f"v{n}"}}).json()["id"] for n in range(3)]
    other = server.http.post("/v1/services/other/deploys", json={"deploy": {"version": "v1"}})
    assert other.status_code == 201
    listed = server.http.get(f"{BASE}/deploys", params={"limit": 2}).json()["deploys"]
    assert [job["id"] for job in listed] == [ids[2], ids[1]]
    assert len(server.http.get("/v1/deploys").json()["deploys"]) == 4


def test_a_job_is_found_under_its_own_service_only(server: Server) -> None:
    job_id = server.post("deploys", {"deploy": {"version": "v1"}}).json()["id"]
    assert server.http.get(f"{BASE}/deploys/{job_id}").json()["id"] == job_id
    assert server.http.get(f"/v1/services/other/deploys/{job_id}").status_code == 404


def test_delete_is_answered_when_the_release_is_gone(server: Server) -> None:
    answer = server.http.delete(f"{BASE}/deploys/v1", params={"instance": [2, 1]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert server.intent().only == (2, 1)
    assert server.serving.jobs.of("carousel")[0].state == "done"


def test_delete_says_how_long_it_may_take_and_who_asks(server: Server) -> None:
    more = {"timeout": "1m", "lock_wait": "0.5", "by": "ann@laptop"}
    server.http.delete(f"{BASE}/deploys/v1", params=more)
    assert server.intent() == Intent(Verb.DESTROY, "carousel", "v1", policy=Policy(timeout=60), lock_wait=0.5)
    job = server.serving.jobs.of("carousel")[0]
    assert (job.by, job.request) == ("ann@laptop", {"version": "v1", **more})


@pytest.mark.parametrize("slip", [{"timeout": "soon"}, {"lock_wait": "-1"}, {"timeout": "inf"}, {"by": "a b"}])
def test_delete_with_a_slip_is_refused(server: Server, slip: dict[str, str]) -> None:
    answer = server.http.delete(f"{BASE}/deploys/v1", params=slip)
    assert (answer.status_code, server.serving.jobs.of(None)) == (422, [])
    assert next(iter(slip)) in answer.json()["detail"]


SENTENCES: tuple[tuple[object, str], ...] = (
    ({}, "'deploy.version' is missing."),
    (None, "'deploy': must be an object."),
    ({"version": 1}, "'deploy.version': must be text."),
    ({"version": "v1", "instance_count": 0}, "'deploy.instance_count': '0' is no whole number from 1 to 1000."),
    ({"version": "v1", "instance_count": "3"}, "'deploy.instance_count': must be a whole number."),
    ({"version": "v1", "timeout": []}, "'deploy.timeout': must be text."),
    ({"version": "v1", "timeout": "soon"}, "'deploy.timeout': 'soon' is no duration: write 90s, 5m or 1h30m."),
    ({"version": "v1", "recreate": "yes"}, "'deploy.recreate': must be true or false."),
    ({"version": "v1", "order": "x"}, "'deploy.order': must be 'start-first' or 'stop-first'."),
    ({"version": "v1", "before": [""]}, "'deploy.before.0': must not be empty."),
    ({"version": "v1", "before": ["x"] * 21}, "'deploy.before': must have 20 items at most."),
    (
        {"version": "v1", "env": {"1A": "x"}},
        "'deploy.env': '1A' can't name an environment variable: letters, digits and _, no digit first.",
    ),
    ({"version": "v1", "set": {"port": "x"}}, "--set port must be a whole number from 1 to 65535, not 'x'."),
)


@pytest.mark.parametrize(("given", "sentence"), SENTENCES)
def test_a_refusal_is_a_sentence_of_ours(server: Server, given: object, sentence: str) -> None:
    assert server.post("deploys", {"deploy": given}).json()["detail"] == sentence


def test_a_whole_number_may_be_written_with_a_point(server: Server) -> None:
    server.post("scale", {"scale": {"instance_count": 3.0}})
    assert server.intent().instances == 3


@pytest.mark.parametrize(
    ("error", "status"), [(NotFound("There is no carousel v1."), 404), (Locked("carousel is locked."), 409)]
)
def test_delete_tells_what_the_job_failed_with(server: Server, error: Exception, status: int) -> None:
    server.script.end = error
    answer = server.http.delete(f"{BASE}/deploys/v1")
    assert (answer.status_code, answer.json()["detail"]) == (status, str(error))


def test_delete_answers_at_once_whoever_prefers_that(server: Server) -> None:
    server.script.gate = threading.Semaphore(0)
    answer = server.http.delete(f"{BASE}/deploys/v1", headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.headers["location"]) == (202, f"{BASE}/deploys/{answer.json()['id']}")
    server.script.gate.release(10)


@pytest.mark.parametrize("version", ["a:b", "%20", "-x"])
def test_delete_of_what_can_be_no_version_is_refused(server: Server, version: str) -> None:
    assert server.http.delete(f"{BASE}/deploys/{version}").status_code == 422
    assert server.serving.jobs.of(None) == []


def test_a_server_that_stops_accepts_nothing(server: Server) -> None:
    server.serving.jobs.stop(1)
    answer = server.post("deploys", {"deploy": {"version": "v1"}})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def events_of(text: str) -> list[dict[str, str]]:
    """Server-sent events as dicts of their fields."""
    blocks = (block for block in text.split("\n\n") if block.strip() and not block.startswith((":", "retry")))
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_events_are_replayed_and_end_with_the_job(server: Server) -> None:
    job_id = server.post("deploys", {"deploy": {"version": "v1"}}).json()["id"]
    answer = server.http.get(f"{BASE}/deploys/{job_id}/events")
    found = events_of(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [(one["event"], one.get("id")) for one in found] == [("progress", "1"), ("progress", "2"), ("end", None)]
    progress = json.loads(found[1]["data"])
    assert progress["lines"] == [["dim", "  carousel v1 @1  gone  1s"]]
    assert progress["event"]["kind"] == "Gone"
    assert json.loads(found[2]["data"])["state"] == "done"


def test_events_go_on_behind_the_last_one_that_was_seen(server: Server) -> None:
    job_id = server.post("deploys", {"deploy": {"version": "v1"}}).json()["id"]
    answer = server.http.get(f"{BASE}/deploys/{job_id}/events", headers={"Last-Event-ID": "1"})
    assert [one.get("id") for one in events_of(answer.text)] == ["2", None]


@pytest.mark.parametrize(("job_id", "last", "status"), [("nosuch", "0", 404), (None, "x", 422), (None, "-1", 422)])
def test_events_of_nothing_are_refused(server: Server, job_id: str | None, last: str, status: int) -> None:
    found = job_id or server.post("deploys", {"deploy": {"version": "v1"}}).json()["id"]
    answer = server.http.get(f"{BASE}/deploys/{found}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == status


def test_a_plan_on_one_machine_whose_env_file_is_not_there_is_refused(tmp_path: Path, server: Server) -> None:
    server.engine.is_local = True
    settings = load({}, {}, tmp_path)
    found = settings.service("carousel")._replace(env_file="/nonesuch.env")
    server.serving.settings = settings._replace(services={"carousel": found})
    answer = server.post("deploys", {"deploy": {"version": "v9", "dry_run": True}})
    assert (answer.status_code, "/nonesuch.env of carousel v9 does not exist" in answer.json()["detail"]) == (404, True)
