"""Following a job over a server that goes away, comes back, or never does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from deployster_cli.backends.remote import connection, events
from deployster_cli.backends.remote.connection import Connection
from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed
from deployster_cli.backends.remote.events import Following, Lost
from deployster_cli.backends.remote.login import LoginRefused
from deployster_cli.domain.events import EngineAway, EngineBack, Event, LockHeld, Tell
from deployster_cli.domain.payloads import encode
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.errors import DeploysterError
from deployster_cli.operations.rollout import Result
from tests.remote.double import Answer, Double, Request, Say, answer, end, nothing, problem, stream, told
from tests.simulation import SimClock

Job = Callable[[Tell], Result]

PATH = "/v1/services/carousel/deploys/j1"
RESULT = {"plan": encode(Plan("carousel", "v1", ())), "seconds": 1.5}
DONE = Result(Plan("carousel", "v1", ()), 1.5)


def said(number: int) -> str:
    """Some progress event, told apart by its number."""
    return told(number, {"kind": "LockHeld", "by": str(number)})


def heard(*numbers: int) -> list[Event]:
    """The same as it comes out."""
    return [LockHeld(str(number)) for number in numbers]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PAUSES", ())


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def job(server: Connection, clock: SimClock) -> Job:
    return lambda tell: Following(server, PATH, clock, tell).follow()


def drained(job: Job) -> tuple[list[Event], Result]:
    seen: list[Event] = []
    result = job(seen.append)
    return seen, result


def test_events_come_in_order_and_then_the_result(double: Double, job: Job) -> None:
    double.answers = [stream(said(1) + ": still here\n\n" + said(2) + end(result=RESULT))]
    assert drained(job) == (heard(1, 2), DONE)


def test_a_stream_that_breaks_goes_on_behind_the_last_event(double: Double, job: Job) -> None:
    double.answers = [
        stream(said(1) + "event: progress\nid: 2\nda"),
        stream(said(2) + end(result=RESULT)),
    ]
    seen, result = drained(job)
    assert [event for event in seen if isinstance(event, LockHeld)] == heard(1, 2)
    assert (result, double.requests[1].headers["last-event-id"]) == (DONE, "1")


def test_only_a_line_feed_ends_a_line_of_an_event(double: Double, job: Job) -> None:
    text = told(1, {"kind": "LockHeld", "by": "a-b"}).replace("a-b", "a\u2028b")
    double.answers = [stream(text + end(result=RESULT))]
    assert drained(job)[0] == [LockHeld("a\u2028b")]


def test_an_id_that_no_header_can_carry_back_is_passed_over(double: Double, job: Job) -> None:
    double.answers = [stream(said(1) + "id: \u0661\n" + "event: progress\ndata: {}\n\n"), stream(end(result=RESULT))]
    drained(job)
    assert double.requests[1].headers["last-event-id"] == "1"


def test_that_the_server_is_away_and_back_is_told_once(double: Double, job: Job) -> None:
    unwell = problem(503, "The server is stopping.")
    double.answers = [nothing, unwell, nothing, stream(": still here\n" + end(result=RESULT))]
    seen, _ = drained(job)
    away, back = seen
    assert away == EngineAway(f"{double.url} closed the connection.")
    assert isinstance(back, EngineBack)
    assert back.seconds >= 3.0  # a connection that the other side has closed may cost one more try


def test_a_server_that_stays_away_for_a_minute_is_given_up(double: Double, job: Job, clock: SimClock) -> None:
    double.answers = [stream(said(1)), nothing]
    with pytest.raises(Lost) as lost:
        drained(job)
    assert (lost.value.exit_code, clock.at > 60) == (4, True)
    assert "the job's outcome is unknown here" in lost.value.message
    assert f"{double.url}{PATH} tells" in lost.value.hint


def test_silence_is_a_server_that_is_away(double: Double, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SILENCE", 0.2)

    def mute(request: Request, say: Say) -> None:
        stream(said(1))(request, say)
        time.sleep(0.5)

    double.answers = [mute, stream(end(result=RESULT))]
    seen, _ = drained(job)
    assert EngineAway(f"{double.url} did not answer in time.") in seen


def test_a_job_that_failed_raises_what_the_server_says(double: Double, job: Job) -> None:
    error = {"message": "carousel v1 @1 failed.", "hint": "See units.", "exit_code": 1}
    double.answers = [stream(end(state="failed", error=error))]
    with pytest.raises(RemoteFailed, match="carousel v1 @1 failed"):
        drained(job)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (problem(401, "Login."), LoginRefused),
        (problem(404, "There is no such job.", exit_code=6), RemoteFailed),
        (problem(500, "A fault."), RemoteFailed),
        (answer(200, {}), NotAServer),
        (stream("event: end\ndata: nonsense\n\n"), NotAServer),
    ],
)
def test_what_no_waiting_cures_ends_it_at_once(
    double: Double, job: Job, reply: Answer, kind: type[DeploysterError]
) -> None:
    double.answers = [reply]
    with pytest.raises(kind):
        drained(job)
    assert len(double.requests) == 1


def test_events_that_only_a_newer_server_knows_are_skipped(double: Double, job: Job) -> None:
    strange = "event: weather\ndata: rain\n\n" + told(1, {"kind": "Rocket"}) + "event: progress\ndata: ?\n\n"
    double.answers = [stream(strange + said(2) + end(result=RESULT))]
    assert drained(job)[0] == heard(2)
