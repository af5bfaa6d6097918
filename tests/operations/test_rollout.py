"""The loop that drives a rollout: when it looks, what it reads, and what it tells of an engine that is away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from deployster_cli.domain.events import EngineAway, EngineBack, Event, Journal, Parking, Retiring, Starting
from deployster_cli.domain.rollout.plan import plan_deploy, plan_destroy
from deployster_cli.domain.rollout.state import Phase
from deployster_cli.domain.rollout.tracking import SELDOM
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import EngineError, EngineUnreachable, Locked
from deployster_cli.operations.rollout import NoLock, RolloutSpec, drive, explain, journal_of
from tests.domain.driving import wanted
from tests.simulation import Fate, SimClock, SimEngine, stamped


def test_the_look_behind_a_request_comes_soon_though_looks_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, at = SimEngine(SimClock()), list[float]()
    engine.add_running(UnitName("carousel", "v1", 1))
    units = engine.units

    def listed() -> tuple[Unit, ...]:
        at.append(engine.clock.now())
        engine.clock.sleep(0.875)
        return units()

    monkeypatch.setattr(engine, "units", listed)
    drive(engine, RolloutSpec(plan_destroy("carousel", "v1", units())), engine.clock, NoLock(), lambda _: None)
    pauses = [later - sooner - 0.875 for sooner, later in pairwise(at)]
    assert pauses == [engine.soon, SELDOM, engine.soon, SELDOM, SELDOM]


OLD, NEW = UnitName("carousel", "v1", 1), UnitName("carousel", "v2", 1)


def replacing(engine: SimEngine, *old: UnitName) -> RolloutSpec:
    """The work of putting NEW into the place of what runs."""
    engine.add_running(*old)
    change = wanted("carousel", "v2", 1, destroy_previous=True)
    return RolloutSpec(plan_deploy(change, engine.units(), ()), {NEW: stamped(NEW)})


def test_what_is_given_takes_the_place_of_the_sleep_between_two_looks() -> None:
    engine, waits = SimEngine(SimClock()), list[float]()

    def pause(seconds: float) -> None:
        waits.append(seconds)
        engine.clock.at += 1

    drive(engine, replacing(engine, OLD), engine.clock, NoLock(), lambda _: None, pause=pause)
    assert len(waits) > 3
    assert engine.clock.now() == len(waits)


def test_the_files_of_those_alone_are_read_that_are_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, read = SimEngine(SimClock()), list[set[UnitName]]()
    files = engine.files

    def reading(units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        read.append({unit.name for unit in units})
        return files(units)

    monkeypatch.setattr(engine, "files", reading)
    engine.add_running(UnitName("other", "v1", 1))
    second = OLD._replace(instance=2)
    drive(engine, replacing(engine, OLD, second), engine.clock, NoLock(), lambda _: None)
    assert read == [{OLD, second}]


@pytest.mark.parametrize("verb", ["destroy", "undo"])
def test_no_file_is_read_of_what_will_not_come_back(monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    engine = SimEngine(SimClock(), {NEW: Fate.FAILS} if verb == "undo" else {})
    work = replacing(engine, OLD)
    if verb == "destroy":
        work = RolloutSpec(plan_destroy("carousel", "v1", engine.units()))
    monkeypatch.setattr(engine, "files", None)
    end = drive(engine, work, engine.clock, NoLock(), lambda _: None)
    assert (end.over, list(engine.lives)) == (True, [] if verb == "destroy" else [OLD])


@pytest.mark.parametrize("call", ["units", "start", "stop", "destroy"])
def test_that_a_request_was_not_answered_is_told_behind_what_it_begins_with(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    engine, told = SimEngine(SimClock()), list[Event]()
    works, work = getattr(engine, call), replacing(engine, OLD)

    def silent_once(*_: object) -> None:
        monkeypatch.setattr(engine, call, works)
        raise EngineUnreachable("no answer")

    monkeypatch.setattr(engine, call, silent_once)
    end = drive(engine, work, engine.clock, NoLock(), told.append)
    away = [type(event) for event in told if isinstance(event, EngineAway | EngineBack)]
    assert (end.phase, away, type(told[0])) == (Phase.DONE, [EngineAway, EngineBack], Starting)


def test_a_journal_that_can_not_be_had_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, reads = SimEngine(SimClock()), list[int]()

    def refuse(name: UnitName, lines: int) -> list[str]:
        reads.append(lines)
        raise EngineError("The journal is gone.")

    monkeypatch.setattr(engine, "journal", refuse)
    assert (journal_of(engine, NEW), reads) == (Journal(NEW, (), "The journal is gone."), [60])


def test_the_last_twenty_lines_of_a_journal_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimEngine(SimClock())
    monkeypatch.setattr(engine, "journal", lambda _, lines: [f"line {number}" for number in range(lines)])
    assert journal_of(engine, NEW) == Journal(NEW, tuple(f"line {number}" for number in range(40, 60)))


def test_machines_that_the_engine_can_not_name_explain_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SimEngine(SimClock())

    def refuse() -> None:
        raise EngineError("no machines")

    work = replacing(engine, OLD)
    assert explain(engine, work, [NEW]) != ""
    monkeypatch.setattr(engine, "machines", refuse)
    assert explain(engine, work, [NEW]) == ""


class Losing:
    """A lock that is lost at some moment, as is seen before a request only."""

    shown = None
    lost = False

    def keep(self) -> None:
        """Not due yet."""

    def ensure(self) -> None:
        if self.lost:
            raise Locked("It was taken over.")


@pytest.mark.parametrize(("at", "asked"), [(None, []), (Parking, ["start"]), (Retiring, ["start", "stop"])])
def test_nothing_is_asked_for_once_the_lock_is_lost(at: type[object] | None, asked: list[str]) -> None:
    engine, hold = SimEngine(SimClock()), Losing()
    engine.add_running(UnitName("carousel", "v1", 1))
    plan = plan_deploy(wanted("carousel", "v2", 1, True), engine.units(), ())

    def tell(event: object) -> None:
        if at is None or isinstance(event, at):
            hold.lost = True

    with pytest.raises(Locked):
        drive(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start}), engine.clock, hold, tell)
    assert [verb for verb, _ in engine.calls] == asked
