"""What units wait for at their health gates, and that one gave up: read from journals, seldom and in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Event, Failed, Failure, Waiting
from deployster_cli.domain.rollout.plan import plan_deploy
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineUnreachable
from deployster_cli.operations.gates import LINES, Gates, with_health
from deployster_cli.operations.rollout import NoLock, RolloutSpec, drive
from tests.domain.driving import wanted
from tests.simulation import Life, SimClock, SimEngine, SimEntries, stamped

ONE = UnitName("carousel", "v1", 1)
TWO = UnitName("carousel", "v1", 2)
M1, M2 = Machine("m1", "10.0.0.1"), Machine("m2", "10.0.0.2")
GAVE_UP = "not healthy: /up: 404 (12 of 12 tries)"


def unit(name: UnitName = ONE, sub: str = "start-post", active: str = "activating", at: Machine = M1) -> Unit:
    return Unit(name, State.LAUNCHED, State.LAUNCHED, "loaded", active, sub, at)


class Asked(SimEngine):
    """Counts the journals that are read."""

    def entries(self, name: UnitName, *_: object, at: Machine | None = None, **__: object) -> SimEntries:
        self.read = [*getattr(self, "read", ()), (name, at)]
        return super().entries(name, LINES, at=at)

    def says(self, *lines: str, name: UnitName = ONE) -> None:
        self.journals[name] = [Entry(line, (at, at)) for at, line in enumerate(lines, 1)]


@pytest.fixture
def engine() -> Asked:
    return Asked(SimClock())


@pytest.fixture
def gates(engine: Asked) -> Gates:
    return Gates(engine, engine.clock, run=lambda work: work())


def look(gates: Gates, *units: Unit) -> tuple[list[Waiting], Failure | None]:
    """What one look has told, and the failure that it came to."""
    told: list[Event] = []
    failure = gates.seen(units, told.append)
    return [event for event in told if isinstance(event, Waiting)], failure


def looks(engine: Asked, gates: Gates, seconds: int, *units: Unit) -> Iterator[Waiting]:
    for _ in range(seconds):
        yield from look(gates, *units)[0]
        engine.clock.sleep(1)


def test_nothing_is_asked_in_the_first_seconds(engine: Asked, gates: Gates) -> None:
    list(looks(engine, gates, 5, unit()))
    assert not hasattr(engine, "read")


def test_what_is_waited_for_is_told_with_the_machine_and_the_time(engine: Asked, gates: Gates) -> None:
    engine.says("waiting for /up: 404 ")
    assert list(looks(engine, gates, 8, unit())) == [Waiting(unit(), "waiting for /up: 404", 6.0)]


def test_the_same_is_told_once_and_what_is_new_again(engine: Asked, gates: Gates) -> None:
    engine.says("waiting for /up: 404 ")
    first = [told.why for told in looks(engine, gates, 20, unit())]
    engine.says("waiting for /up: 404 ", "waiting for /up: 503 ")
    assert (first, [told.why for told in looks(engine, gates, 20, unit())]) == (
        ["waiting for /up: 404"],
        ["waiting for /up: 503"],
    )


def test_of_many_units_each_is_asked_in_turn(engine: Asked, gates: Gates) -> None:
    list(looks(engine, gates, 26, unit(), unit(TWO)))
    assert engine.read == [(ONE, None), (TWO, None), (ONE, None), (TWO, None), (ONE, None)][: len(engine.read)]
    assert len(engine.read) in {4, 5}


def test_one_is_read_at_a_time(engine: Asked) -> None:
    begun: list[Callable[[], None]] = []
    gates = Gates(engine, engine.clock, run=begun.append)
    list(looks(engine, gates, 60, unit(), unit(TWO)))
    assert len(begun) == 1


@pytest.mark.parametrize("sub", ["start-pre", "start", "auto-restart"])
def test_a_unit_that_is_not_at_its_gate_is_not_asked(engine: Asked, gates: Gates, sub: str) -> None:
    list(looks(engine, gates, 60, unit(sub=sub)))
    assert not hasattr(engine, "read")


def test_a_journal_that_can_not_be_had_fails_nothing(engine: Asked, gates: Gates) -> None:
    engine.mute = "no agent"
    assert (list(looks(engine, gates, 30, unit())), look(gates, unit(sub="auto-restart"))) == ([], ([], None))


def test_a_copy_of_a_global_unit_is_asked_on_its_machine(engine: Asked, gates: Gates) -> None:
    engine.says("waiting for /up: 404 ")
    copies = worst_of([unit(at=M1)._replace(everywhere=True), unit(at=M2)._replace(everywhere=True)])
    told = list(looks(engine, gates, 8, copies))
    assert ([one.unit.machine for one in told], engine.read) == ([M1, M2], [(ONE, M1), (ONE, M2)])


@pytest.mark.parametrize(("sub", "active"), [("auto-restart", "activating"), ("stop-sigterm", "deactivating")])
def test_a_gate_that_gave_up_is_a_verdict_at_once(engine: Asked, gates: Gates, sub: str, active: str) -> None:
    engine.says("waiting for /up: 404 ", GAVE_UP, "Stopping")
    look(gates, unit())
    gone = unit(sub=sub, active=active)
    assert look(gates, gone)[1] == Failure(Reason.UNHEALTHY, (ONE,), gone, health="/up answered 404 (12 times)")


def test_a_crash_at_the_gate_is_none(engine: Asked, gates: Gates) -> None:
    engine.says("ended before it was healthy: /up: 404 (2 of 2 tries)")
    look(gates, unit())
    assert look(gates, unit(sub="auto-restart")) == ([], None)


def test_whose_gate_was_never_seen_is_not_asked(engine: Asked, gates: Gates) -> None:
    engine.says(GAVE_UP)
    assert look(gates, unit(sub="auto-restart")) == ([], None)


def test_one_that_runs_is_not_asked_any_more(engine: Asked, gates: Gates) -> None:
    engine.says(GAVE_UP)
    look(gates, unit())
    look(gates, unit(sub="running", active="active"))
    assert (look(gates, unit(sub="auto-restart")), hasattr(engine, "read")) == (([], None), False)


def test_a_real_thread_brings_it_with_a_later_look(engine: Asked) -> None:
    engine.says("waiting for /up: refused")
    gates = Gates(engine, engine.clock)
    for _ in range(500):
        told = list(looks(engine, gates, 1, unit()))
        if told:
            break
    gates.close()
    assert [one.why for one in told] == ["waiting for /up: refused"]


def test_what_can_not_be_read_is_not_raised_beside_everything_else(engine: Asked, gates: Gates) -> None:
    def refuse(*_: object, **__: object) -> SimEntries:
        raise EngineUnreachable("gone")

    engine.entries = refuse  # type: ignore[method-assign]
    assert list(looks(engine, gates, 20, unit())) == []


@pytest.mark.parametrize(
    ("reason", "line", "expected"),
    [
        (Reason.NOT_YET, "waiting for /up: 404 ", (Reason.NOT_YET, "/up answered 404")),
        (Reason.FAILED, GAVE_UP, (Reason.UNHEALTHY, "/up answered 404 (12 times)")),
        (Reason.CRASH_LOOP, GAVE_UP, (Reason.CRASH_LOOP, "/up answered 404 (12 times)")),
        (Reason.FAILED, "waiting for /up: 404 ", (Reason.FAILED, "")),
        (Reason.GONE, GAVE_UP, (Reason.GONE, "")),
        (Reason.FAILED, "boom", (Reason.FAILED, "")),
    ],
)
def test_a_failure_tells_of_its_units_health(reason: Reason, line: str, expected: tuple[Reason, str]) -> None:
    found = with_health(Failure(reason, (ONE,), unit()), [line])
    assert (found.reason, found.health) == expected


class AtItsGate(SimEngine):
    """A model whose units stay at their gates for some seconds, and then are started again for another round."""

    gives_up_after = 12.0

    def _states(self, life: Life) -> tuple[str, str, str]:
        found, age = super()._states(life), self.clock.now() - life.up
        if found[2] != "running":
            return found
        at_gate = age % (self.gives_up_after + 3) < self.gives_up_after
        return ("loaded", "activating", "start-post" if at_gate else "auto-restart")


def test_a_gate_that_gave_up_fails_the_rollout_in_its_first_round() -> None:
    engine = AtItsGate(SimClock())
    engine.journals[ONE] = [Entry("waiting for /up: 404 ", (1, 1)), Entry(GAVE_UP, (2, 2))]
    plan = plan_deploy(wanted("carousel", "v1", 1, policy=Policy(timeout=300)), (), ())
    told: list[Event] = []
    drive(engine, RolloutSpec(plan, {ONE: stamped(ONE)}), engine.clock, NoLock(), told.append)
    failed = next(event for event in told if isinstance(event, Failed))
    assert (failed.failure.reason, failed.failure.health) == (Reason.UNHEALTHY, "/up answered 404 (12 times)")
    assert engine.clock.now() < 30


def test_a_time_limit_that_ends_at_the_gate_says_what_that_got(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = AtItsGate(SimClock())
    monkeypatch.setattr(engine, "gives_up_after", 1000.0)
    monkeypatch.setattr(engine, "journal", lambda *_, **__: iter(["Started.", "waiting for /up: 404 "]))
    plan = plan_deploy(wanted("carousel", "v1", 1, policy=Policy(timeout=20)), (), ())
    told: list[Event] = []
    end = drive(engine, RolloutSpec(plan, {ONE: stamped(ONE)}), engine.clock, NoLock(), told.append)
    failed = next(event for event in told if isinstance(event, Failed))
    assert (failed.failure.reason, failed.failure.health) == (Reason.NOT_YET, "/up answered 404")
    assert end.failure == failed.failure
