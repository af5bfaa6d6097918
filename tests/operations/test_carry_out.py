"""A service's lock, a plan and its carrying out: the plan may be made while it is not yet certain whose the lock is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deployster_cli.domain.events import Event
from deployster_cli.domain.lock import LASTS, Note
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.plan import Policy, Wanted, plan_deploy
from deployster_cli.errors import DeploysterError, EngineUnreachable, Locked
from deployster_cli.operations.carry_out import PLAN_LASTS, PLANNINGS, Keep, Locking, under_lock
from deployster_cli.operations.deploy import Prepared
from deployster_cli.operations.lock import new_note
from deployster_cli.operations.rollout import Work
from tests.simulation import SimClock, SimEngine, stamped

OTHER = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, 10 * LASTS, "deploying v9")


class Planner:
    """Plans a deploy of one instance from what the engine lists, and remembers when."""

    def __init__(self, engine: SimEngine) -> None:
        self.engine = engine
        self.at: list[float] = []
        self.fails = 0
        self.takes = 0.0

    def __call__(self) -> Prepared:
        self.at.append(self.engine.clock.now())
        if self.fails:
            self.fails -= 1
            raise DeploysterError("There is no such release.")
        units = self.engine.units()
        self.engine.clock.sleep(self.takes)
        plan = plan_deploy(Wanted("carousel", "v1", 1, policy=Policy(settle=0)), units, ())
        files = {name: stamped(name) for name in plan.start}
        return Prepared(Work(plan, files), units)


@pytest.fixture
def engine() -> SimEngine:
    return SimEngine(SimClock(at=50))


@pytest.fixture
def planner(engine: SimEngine) -> Planner:
    return Planner(engine)


def carried(planner: Planner, ahead: Callable[[Prepared, Keep], Iterator[Event]] | None = None) -> list[Event]:
    engine = planner.engine
    locking = Locking(new_note("carousel", "ann@laptop", "deploying v1", engine.clock))
    return list(
        under_lock(engine, replace(locking, ahead=ahead) if ahead else locking, planner, engine.clock),
    )


def pausing(planner: Planner, seconds: float) -> Callable[[Prepared, Keep], Iterator[Event]]:
    """Something ahead of the carrying out that takes so long."""

    def ahead(_: Prepared, __: Keep) -> Iterator[Event]:
        planner.engine.clock.sleep(seconds)
        return iter(())

    return ahead


def test_the_plan_is_made_once_and_before_the_lock_is_certain(planner: Planner) -> None:
    carried(planner)
    assert planner.at == [50]


def test_the_first_request_follows_the_one_look_that_the_plan_was_made_from(planner: Planner) -> None:
    carried(planner, pausing(planner, 0.5))
    assert planner.engine.looks_before["start"] == 1


def test_a_plan_that_had_to_wait_for_a_hook_is_looked_at_again(planner: Planner) -> None:
    carried(planner, pausing(planner, 5))
    assert planner.engine.looks_before["start"] == 2


def test_a_lock_that_turns_out_to_be_anothers_is_what_is_told_whatever_became_of_the_plan(planner: Planner) -> None:
    planner.engine.locks.late = lambda: planner.engine.locks.notes.__setitem__("carousel", OTHER)
    planner.fails = 1
    with pytest.raises(Locked):
        carried(planner)
    assert planner.engine.calls == []


def test_nothing_is_ahead_of_a_plan_whose_lock_is_anothers(planner: Planner) -> None:
    made: list[Prepared] = []

    def ahead(prepared: Prepared, _: Keep) -> Iterator[Event]:
        made.append(prepared)
        return iter(())

    planner.engine.locks.late = lambda: planner.engine.locks.notes.__setitem__("carousel", OTHER)
    with pytest.raises(Locked):
        carried(planner, ahead)
    assert made == []


def test_a_plan_that_can_not_be_made_fails_with_the_lock_held_and_gives_it_back(planner: Planner) -> None:
    planner.fails = 2
    with pytest.raises(DeploysterError, match="no such release"):
        carried(planner)
    assert (planner.at, planner.engine.locks.notes) == ([50, 50.5], {})


def test_a_plan_that_could_not_be_made_early_is_made_when_the_lock_is_held(planner: Planner) -> None:
    planner.fails = 1
    carried(planner)
    assert (planner.at, list(planner.engine.lives)) == ([50, 50.5], [UnitName("carousel", "v1", 1)])


def test_a_plan_that_is_old_by_the_time_the_lock_is_certain_is_made_anew(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = planner.engine.locks.put
    monkeypatch.setattr(planner.engine.locks, "put", lambda note: put(note) + PLAN_LASTS)
    carried(planner)
    assert planner.at == [50, 50.5 + PLAN_LASTS]


def test_a_look_is_as_old_as_the_asking_for_it_and_not_as_the_plan_made_from_it(planner: Planner) -> None:
    planner.takes = 4
    carried(planner)
    assert planner.engine.looks_before["start"] == 2


def short_for(planner: Planner, monkeypatch: pytest.MonkeyPatch, listings: int) -> None:
    """So many of the engine's listings lack the lock."""
    monkeypatch.setattr(planner.engine.locks, "shown", lambda _: len(planner.at) > listings)


def test_a_plan_from_a_listing_that_lacks_the_lock_is_made_anew(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_for(planner, monkeypatch, PLANNINGS - 1)
    carried(planner)
    assert len(planner.at) == PLANNINGS


def test_no_plan_is_made_that_nobody_looks_at(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    short_for(planner, monkeypatch, 99)
    with pytest.raises(EngineUnreachable, match="lack the very lock"):
        carried(planner)
    assert (len(planner.at), planner.engine.lives, planner.engine.locks.notes) == (PLANNINGS, {}, {})


def test_an_engine_that_does_not_answer_says_that_nothing_was_started(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: str) -> None:
        raise EngineUnreachable("No answer.", "Look at the endpoint.")

    monkeypatch.setattr(planner.engine.locks, "read", read)
    with pytest.raises(EngineUnreachable) as caught:
        carried(planner)
    assert caught.value.message == "No answer. Nothing was started."
