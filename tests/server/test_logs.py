"""Journals over HTTP, as text and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest
from starlette.testclient import TestClient

from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineError
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.logs import LogLine, LogNote, Wanted
from deployster_cli.server.routes import logs

URL = "/v1/services/carousel/logs"
ONE = UnitName("carousel", "v1", 1)


class Script:
    """Stands in for operations.logs.logs."""

    def __init__(self) -> None:
        self.lines: tuple[LogLine | LogNote, ...] = (LogLine(ONE, "héllo", 0.5), LogNote("No journal of @2."))
        self.fails: Exception | None = None
        self.seen: list[tuple[Wanted, bool]] = []

    def __call__(
        self, _: object, wanted: Wanted, clock: Clock, *, follow: bool
    ) -> Generator[LogLine | LogNote, None, None]:
        self.seen.append((wanted, follow))
        if self.fails:
            raise self.fails
        yield from self.lines


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(logs, "logs", script)
    return script


def test_lines_stand_behind_their_units(client: TestClient, script: Script) -> None:
    answer = client.get(URL)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "carousel-v1@1 | héllo\n-- No journal of @2.\n"


def test_json_lines_have_the_time_too(client: TestClient, script: Script) -> None:
    answer = client.get(URL, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {
            "service": "carousel",
            "version": "v1",
            "instance": "1",
            "unit": "carousel-v1@1.service",
            "at": "1970-01-01T00:00:00.500000+00:00",
            "line": "héllo",
        },
        {"note": "No journal of @2."},
    ]


def test_the_query_is_what_is_read(client: TestClient, script: Script) -> None:
    client.get(URL, params={"version": "v1", "instance": [2, 1], "lines": 5, "follow": "true"})
    assert script.seen == [(Wanted("carousel", "v1", [2, 1], 5), True)]


def test_an_engine_that_fails_is_a_problem(client: TestClient, script: Script) -> None:
    script.fails = EngineError("No ssh.")
    assert client.get(URL).status_code == 502


def test_what_fails_while_it_is_followed_is_told_in_a_line(client: TestClient, script: Script) -> None:
    script.fails = EngineError("No ssh.")
    answer = client.get(URL, params={"follow": "true"})
    assert (answer.status_code, answer.text) == (200, "-- No ssh.\n")


@pytest.mark.parametrize("query", [{"version": "v9"}, {"instance": 7}])
def test_no_such_instance_is_a_404(client: TestClient, script: Script, query: dict[str, str]) -> None:
    assert (client.get(URL, params=query).status_code, script.seen) == (404, [])


@pytest.mark.parametrize("query", [{"version": "a:b"}, {"instance": 0}, {"lines": -1}, {"follow": "maybe"}])
def test_what_can_not_be_asked_is_refused(client: TestClient, script: Script, query: dict[str, str]) -> None:
    assert (client.get(URL, params=query).status_code, script.seen) == (422, [])
