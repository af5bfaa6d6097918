"""A task's output and journals through a server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployster_cli.backends.remote.connection import Connection
from deployster_cli.backends.remote.errors import NotAServer
from deployster_cli.backends.remote.events import read_logs, run_task
from deployster_cli.domain.change import TaskRequest
from deployster_cli.domain.events import Event, TaskDone, TaskOutput, TaskStarted, Tell
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import DeploysterError, Interrupted
from deployster_cli.operations.logs import LogLine, LogNote, Wanted
from tests.remote.double import Answer, Double, answer, problem
from tests.simulation import SimClock

ERRAND = TaskRequest("carousel", "v1", "rake db:migrate", ("TOKEN=x",), timeout=60.0)

Running = Callable[[Tell], int]


def text(content: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n{content}".encode()


@pytest.fixture
def running(server: Connection) -> Running:
    return lambda tell: run_task(server, ERRAND, "alice@ci", SimClock(), tell)


def drained(running: Running) -> tuple[list[Event], int]:
    seen: list[Event] = []
    code = running(seen.append)
    return seen, code


def test_the_output_comes_and_then_the_exit_code(double: Double, running: Running) -> None:
    double.answers = [lambda _, say: say(text("one\ntwo\nExited (7)\n"))]
    assert drained(running) == (
        [
            TaskStarted("rake db:migrate"),
            TaskOutput(("one",)),
            TaskOutput(("two",)),
            TaskDone("rake db:migrate", 0.0, 7),
        ],
        7,
    )


def test_the_server_is_told_what_to_run(double: Double, running: Running) -> None:
    double.answers = [lambda _, say: say(text("Exited (0)\n"))]
    drained(running)
    (request,) = double.requests
    assert (request.method, request.path) == ("POST", "/v1/services/carousel/tasks")
    assert request.json["task"] == {
        "version": "v1",
        "command": "rake db:migrate",
        "timeout": 60.0,
        "env": {"TOKEN": "x"},
        "by": "alice@ci",
    }


def test_a_task_that_writes_what_looks_like_its_end_is_not_over(double: Double, running: Running) -> None:
    double.answers = [lambda _, say: say(text("Exited (0)\nno\nExited (1)"))]
    seen, code = drained(running)
    assert ([event for event in seen if isinstance(event, TaskOutput)], code) == (
        [TaskOutput(("Exited (0)",)), TaskOutput(("no",))],
        1,
    )


def test_124_is_the_time_limit(double: Double, running: Running) -> None:
    double.answers = [lambda _, say: say(text("Exited (124)\n"))]
    assert drained(running)[0][-1] == TaskDone("rake db:migrate", 0.0, 124, late=True)


@pytest.mark.parametrize("content", ["", "one\n", "Exited (0)\nmore\n", "Exited (x)\n"])
def test_an_output_that_breaks_off_exits_4(double: Double, running: Running, content: str) -> None:
    double.answers = [lambda _, say: say(text(content))]
    with pytest.raises(DeploysterError, match="closed the stream before it said how the task ended") as broken:
        drained(running)
    assert broken.value.exit_code == 4


def test_a_refusal_is_the_servers(double: Double, running: Running) -> None:
    double.answers = [problem(404, "There is no carousel.", exit_code=6)]
    with pytest.raises(DeploysterError, match="There is no carousel") as refused:
        drained(running)
    assert refused.value.exit_code == 6


def test_ctrl_c_goes_away_and_so_the_server_stops_it(double: Double, running: Running) -> None:
    double.answers = [lambda _, say: say(text("one\n"))]

    def interrupt(event: Event) -> None:
        if isinstance(event, TaskOutput):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="stops the task") as interrupted:
        running(interrupt)
    assert interrupted.value.exit_code == 130


WANTED = Wanted("carousel", "v1", (2,), 5)


def ndjson(content: str) -> Answer:
    return answer(200, content.encode(), kind="application/x-ndjson")


def test_journals_come_with_the_unit_that_wrote_them(double: Double, server: Connection) -> None:
    timed = '{"unit":"carousel-v1@2.service","line":"ho","at":"1970-01-01T00:00:01.5+00:00","machine":"m1"}'
    double.answers = [ndjson('{"unit":"carousel-v1@2.service","line":"hi"}\n\n{"note":"well"}\n' + timed)]
    name = UnitName("carousel", "v1", 2)
    assert list(read_logs(server, WANTED)) == [LogLine(name, "hi"), LogNote("well"), LogLine(name, "ho", 1.5, "m1")]


@pytest.mark.parametrize(
    ("wanted", "follow", "query"),
    [
        (WANTED, False, "version=v1&instance=2&lines=5"),
        (Wanted("carousel", instances=(3, 1)), True, "instance=1&instance=3&lines=10&follow=true"),
    ],
)
def test_journals_are_asked_for_as_they_are_wanted(
    double: Double, server: Connection, wanted: Wanted, follow: bool, query: str
) -> None:
    double.answers = [ndjson("")]
    assert list(read_logs(server, wanted, follow=follow)) == []
    assert double.requests[0].path == f"/v1/services/carousel/logs?{query}"


UNIT = '{"unit":"carousel-v1@2.service"'


@pytest.mark.parametrize(
    "line",
    [
        *(
            "nonsense",
            "[]",
            "[" * 100_000,
            '{"unit":"x","line":"hi"}',
            f"{UNIT}}}",
            '{"note":["a"]}',
            f'{UNIT},"line":5}}',
        ),
        f'{UNIT},"line":"hi","machine":["m1"]}}',
        f'{UNIT},"line":"hi","at":"0001-01-01T00:00:00+99:00"}}',
    ],
)
def test_what_is_no_line_of_a_journal_is_said_to_be(double: Double, server: Connection, line: str) -> None:
    double.answers = [ndjson(line)]
    with pytest.raises(NotAServer, match="not a line of a journal"):
        list(read_logs(server, WANTED))
