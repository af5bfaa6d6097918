"""A service's lock, a plan and its carrying out: the plan may be made while it is not yet certain whose the lock is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployster_cli.config.load import load
from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Event, Noticed
from deployster_cli.domain.lock import LASTS, Note
from deployster_cli.domain.rollout.plan import plan_deploy
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, EngineUnreachable, Interrupted, Locked
from deployster_cli.operations.change import PLAN_LASTS, Operation
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.preflight import Keep, Preflight
from deployster_cli.operations.rollout import RolloutSpec
from deployster_cli.operations.task import Task
from tests.domain.driving import wanted
from tests.simulation import Fate, SimClock, SimEngine, stamped

OTHER = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, doing="deploying v9")


# What has to succeed before anything is done. Whether a hook ran.
Ahead = Callable[[], bool]


class Planner:
    """Plans a deploy of one instance from what the engine lists, and remembers when."""

    def __init__(self, engine: SimEngine) -> None:
        self.engine = engine
        self.at: list[float] = []
        self.fails = 0
        self.takes = 0.0

    def __call__(self) -> PlannedChange:
        self.at.append(self.engine.clock.now())
        if self.fails:
            self.fails -= 1
            raise DeploysterError("There is no such release.")
        units = self.engine.units()
        self.engine.clock.sleep(self.takes)
        plan = plan_deploy(wanted("carousel", "v1", 1, policy=Policy(settle=0)), units, ())
        files = {name: stamped(name) for name in plan.start}
        return PlannedChange(RolloutSpec(plan, files), units)


@dataclass(frozen=True)
class Planned(Operation):
    """An operation whose plan, preflight and tasks are a test's."""

    planner: Planner
    ahead: Ahead | None
    tasks: tuple[Task, ...]

    def prepare(self, engine: Engine) -> PlannedChange:
        return self.planner()

    def preflight(self, around: Preflight, engine: Engine, planned: PlannedChange, keep: Keep) -> bool:
        return self.ahead() if self.ahead else False


@pytest.fixture
def engine() -> SimEngine:
    return SimEngine(SimClock(at=50))


@pytest.fixture
def planner(engine: SimEngine) -> Planner:
    return Planner(engine)


def carried(planner: Planner, ahead: Ahead | None = None, before: tuple[Task, ...] = ()) -> list[Event]:
    told: list[Event] = []
    change = wanted("carousel", "v1", 1)
    Planned(load({}, {}, Path("/")), change, planner.engine.clock, planner, ahead, before).run(
        planner.engine, told.append
    )
    return told


def doing(deed: Callable[[], object], *, ran: bool = True) -> Ahead:
    """Something ahead of the carrying out, and whether it counts as a hook."""

    def ahead() -> bool:
        deed()
        return ran

    return ahead


def pausing(planner: Planner, seconds: float) -> Ahead:
    """Something ahead of the carrying out that takes so long, and is no hook."""
    return doing(lambda: planner.engine.clock.sleep(seconds), ran=False)


def test_the_plan_is_made_once_and_before_the_lock_is_certain(planner: Planner) -> None:
    carried(planner)
    assert planner.at == [50]


def test_the_first_request_follows_the_one_look_that_the_plan_was_made_from(planner: Planner) -> None:
    carried(planner, pausing(planner, 0.5))
    assert planner.engine.looks_before["start"] == 1


def test_a_plan_that_had_to_wait_is_looked_at_again(planner: Planner) -> None:
    carried(planner, pausing(planner, 4))
    assert (len(planner.at), planner.engine.looks_before["start"]) == (1, 2)


def test_a_plan_that_had_to_wait_for_long_is_made_anew(planner: Planner) -> None:
    carried(planner, pausing(planner, 5))
    assert (len(planner.at), planner.engine.looks_before["start"]) == (2, 2)


V1 = UnitName("carousel", "v1", 1)


def test_after_a_hook_it_is_planned_again_however_short_it_was(planner: Planner) -> None:
    """A hook may deploy the service itself: what was planned before it has a name that is taken by now."""
    carried(planner, doing(lambda: planner.engine.add_running(V1)))
    assert (len(planner.at), planner.engine.calls[0]) == (2, ("start", (UnitName("carousel", "v1", 2),)))


RAKE = Task("rake", "carousel", "v1", "ann", lambda name, _: UnitFile(name, (("Service", "ExecStart", "/bin/rake"),)))


@pytest.fixture
def rake(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> UnitName:
    """The task's unit, which ends well."""
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)
    name = UnitName("carousel.task", "v1", 1)
    engine.fates[name] = Fate.EXITS
    return name


def test_after_a_task_it_is_planned_again(planner: Planner, rake: UnitName, monkeypatch: pytest.MonkeyPatch) -> None:
    start = planner.engine.start

    def and_it_deploys(files: Collection[UnitFile]) -> None:
        start(files)
        planner.engine.add_running(V1)

    monkeypatch.setattr(planner.engine, "start", and_it_deploys)
    carried(planner, before=(RAKE,))
    assert [names for verb, names in planner.engine.calls if verb == "start"] == [(rake,), (V1._replace(instance=2),)]


@pytest.mark.usefixtures("rake")
def test_tasks_are_run_where_the_hook_has_made_something_to_start(planner: Planner) -> None:
    planner.engine.add_running(V1)
    carried(planner, doing(planner.engine.lives.clear), (RAKE,))
    assert [names[0].service for verb, names in planner.engine.calls if verb == "start"] == [
        "carousel.task",
        "carousel",
    ]


@pytest.mark.parametrize("there", [OTHER, None])
def test_a_run_that_slept_in_its_hook_while_another_took_over_changes_nothing(
    planner: Planner, there: Note | None
) -> None:
    def slept() -> None:
        planner.engine.clock.sleep(LASTS)
        planner.engine.locks.notes.clear()
        planner.engine.locks.notes.update({"carousel": there} if there else {})

    with pytest.raises(Locked):
        carried(planner, doing(slept))
    assert (planner.engine.calls, planner.engine.locks.notes) == ([], {"carousel": there} if there else {})


def unable_to_give_back(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    def drop(_: str) -> None:
        raise EngineUnreachable("no answer")

    monkeypatch.setattr(planner.engine.locks, "drop", drop)


LEFT = "This run's lock on carousel could not be given back: it keeps other machines' runs out"


def test_a_lock_that_is_left_behind_is_told_at_the_end(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    unable_to_give_back(planner, monkeypatch)
    told = carried(planner)[-1]
    assert isinstance(told, Noticed)
    assert told.text.startswith(LEFT)


def failing(error: BaseException) -> Ahead:
    """A hook that ends so."""

    def fail() -> None:
        raise error

    return doing(fail)


def test_a_lock_that_is_left_behind_is_told_behind_a_failure(planner: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    unable_to_give_back(planner, monkeypatch)
    with pytest.raises(DeploysterError, match="It failed") as caught:
        carried(planner, failing(DeploysterError("It failed.", "Mend it.")))
    assert caught.value.hint.startswith(f"Mend it. {LEFT}")


def test_a_lock_that_is_left_behind_is_told_behind_an_interrupt(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    unable_to_give_back(planner, monkeypatch)
    signal = KeyboardInterrupt()
    signal.signal = 15  # type: ignore[attr-defined]
    with pytest.raises(Interrupted) as caught:
        carried(planner, failing(signal))
    assert (caught.value.exit_code, caught.value.hint.startswith(LEFT)) == (143, True)


def test_an_interrupt_with_nothing_left_behind_stays_what_it_is(planner: Planner) -> None:
    with pytest.raises(KeyboardInterrupt):
        carried(planner, failing(KeyboardInterrupt()))
    assert planner.engine.locks.notes == {}


def test_a_lock_that_turns_out_to_be_anothers_is_what_is_told_whatever_became_of_the_plan(planner: Planner) -> None:
    planner.engine.locks.late = lambda: planner.engine.locks.notes.__setitem__("carousel", OTHER)
    planner.fails = 1
    with pytest.raises(Locked):
        carried(planner)
    assert planner.engine.calls == []


def test_nothing_is_ahead_of_a_plan_whose_lock_is_anothers(planner: Planner) -> None:
    made: list[str] = []
    planner.engine.locks.late = lambda: planner.engine.locks.notes.__setitem__("carousel", OTHER)
    with pytest.raises(Locked):
        carried(planner, doing(lambda: made.append("ahead")))
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


@pytest.mark.parametrize(("wait", "made"), [(5, 1), (5.5, 2)])
def test_a_plan_that_was_made_early_is_good_for_5_seconds(
    planner: Planner, monkeypatch: pytest.MonkeyPatch, wait: float, made: int
) -> None:
    put = planner.engine.locks.put

    def slow(note: Note) -> float:
        put(note)
        return wait

    monkeypatch.setattr(planner.engine.locks, "put", slow)
    carried(planner)
    assert len(planner.at) == made


@pytest.mark.parametrize(("takes", "looks"), [(3, 1), (3.5, 2)])
def test_the_look_that_a_plan_was_made_from_is_good_for_3_seconds(
    planner: Planner, monkeypatch: pytest.MonkeyPatch, takes: float, looks: int
) -> None:
    monkeypatch.setattr(planner.engine.locks, "put", lambda note: planner.engine.locks.notes.update(carousel=note) or 0)
    planner.takes = takes
    carried(planner)
    assert planner.engine.looks_before["start"] == looks


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
    short_for(planner, monkeypatch, 2)
    carried(planner)
    assert len(planner.at) == 3


def test_after_three_listings_that_lack_the_lock_no_other_plan_is_made(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_for(planner, monkeypatch, 99)
    with pytest.raises(EngineUnreachable, match="lacks this run's lock"):
        carried(planner)
    assert (len(planner.at), planner.engine.lives, planner.engine.locks.notes) == (3, {}, {})


def test_an_engine_that_does_not_answer_says_that_nothing_was_started(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: str) -> None:
        raise EngineUnreachable("No answer.", "Look at the endpoint.")

    monkeypatch.setattr(planner.engine.locks, "read", read)
    with pytest.raises(EngineUnreachable) as caught:
        carried(planner)
    assert caught.value.message == "No answer. Nothing was started."
