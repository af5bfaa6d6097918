"""Events as lines: what a person reads."""

from __future__ import annotations

import pytest

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure, Journal
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.views.sentences import Line, sentence

ONE, TWO = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)
OLD = tuple(UnitName("carousel", "v1", i) for i in range(1, 8))
STARTING = Unit(ONE, State.LAUNCHED, State.LAUNCHED, "loaded", "activating", "start-pre", Machine("m1", "10.0.0.1"))
WAITING = Unit(TWO, State.LAUNCHED, State.INACTIVE)


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (events.Starting(1, 1, (ONE, TWO)), [("head", "Starting carousel v2 @1 @2")]),
        (events.Starting(2, 3, (ONE,)), [("head", "Starting carousel v2 @1 (batch 2 of 3)")]),
        (
            events.Starting(1, 1, (), (ONE,)),
            [("head", "Waiting for carousel v2 @1, started by an earlier run")],
        ),
        (events.Changed(STARTING, 2.5), [("dim", "  carousel v2 @1  starting (start-pre) on 10.0.0.1  2s")]),
        (events.Changed(WAITING, 0.5), [("dim", "  carousel v2 @2  waiting for a machine  0.5s")]),
        (
            events.Waiting(STARTING, "waiting for /up: 404", 12),
            [("dim", "  carousel v2 @1  on 10.0.0.1: waiting for /up: 404  12s")],
        ),
        (
            events.Failed(Failure(Reason.UNHEALTHY, (ONE,), STARTING, health="/up answered 404 (12 times)")),
            [("bad", "carousel v2 @1 is not healthy on 10.0.0.1: /up answered 404 (12 times)")],
        ),
        (
            events.Failed(Failure(Reason.NOT_YET, (ONE,), STARTING, health="/up: refused")),
            [("bad", "carousel v2 @1 did not come up in time on 10.0.0.1: /up: refused")],
        ),
        (events.Ready(STARTING, 8), [("good", "  carousel v2 @1  ready on 10.0.0.1  8s")]),
        (events.Gone(ONE, 4), [("dim", "  carousel v2 @1  gone  4s")]),
        (events.Gone(ONE, 4, parked=True), [("dim", "  carousel v2 @1  stopped  4s")]),
        (events.Parking((ONE,)), [("head", "Stopping carousel v2 @1")]),
        (events.Retiring(OLD), [("head", "Retiring carousel v1 @1..@7")]),
        (events.Retiring((ONE,), undo=True), [("head", "Undoing carousel v2 @1")]),
        (events.Restoring(OLD[:1]), [("head", "Starting carousel v1 @1 again")]),
        (events.EngineAway("no answer"), [("warn", "Waiting for the engine: no answer")]),
        (events.EngineBack(61), [("good", "The engine answers again after 1m01s")]),
        (events.LockHeld("bob on ci"), [("warn", "Waiting for the lock held by bob on ci")]),
        (
            events.Failed(Failure(Reason.CRASH_LOOP, (ONE,), STARTING)),
            [("bad", "carousel v2 @1 keeps crashing on 10.0.0.1")],
        ),
        (events.TaskOutput(("one\x07", "two")), [("dim", "  | one\ufffd"), ("dim", "  | two")]),
        (events.TaskDone("rake", 3), [("good", "rake is done  3s")]),
        (events.TaskDone("rake", 3, 7), [("bad", "rake ended with exit code 7  3s")]),
        (events.TaskDone("rake", 3, 1, known=False), [("bad", "rake failed  3s")]),
        (events.TaskDone("rake", 3, 124, late=True), [("bad", "rake was stopped at its time limit  3s")]),
        (events.TaskLeft((ONE,)), [("warn", "Still there: carousel v2 @1. The next task or deploy removes it.")]),
        (Journal(ONE, ("one", "two\x1b[31m")), [("dim", "  | one"), ("dim", "  | two\ufffd[31m")]),
        (events.HookStarted("pre_deploy", "./check"), [("head", "Hook pre_deploy: ./check")]),
        (events.HookSaid("one\x1b[31m"), [("dim", "  | one\ufffd[31m")]),
        (events.HookDone("pre_deploy", 2.0), [("good", "Hook pre_deploy is done  2s")]),
        (events.HookWarned("The hook post_deploy failed."), [("warn", "The hook post_deploy failed.")]),
        (Journal(ONE, ()), [("warn", "  the journal of carousel v2 @1 is empty")]),
        (Journal(ONE, (), "no agent"), [("warn", "  no journal for carousel v2 @1: no agent")]),
    ],
)
def test_an_event_reads_as_its_lines(event: Event, lines: list[Line]) -> None:
    assert sentence(event) == lines
