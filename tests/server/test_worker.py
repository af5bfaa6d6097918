"""Jobs carried out for real over a model of an engine: cut off at every step, they end as if nothing had been."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.config.load import Settings, load
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Event, Gone, HookDone, HookStarted, Starting, TaskDone, TaskStarted, Tell
from deployster_cli.domain.lock import Note
from deployster_cli.domain.rollout.plan import Instances, Plan, Step
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.errors import DeploysterError, Interrupted, Locked
from deployster_cli.server.jobs import worker
from deployster_cli.server.jobs.worker import (
    MOST_STARTS,
    Commission,
    StopAsked,
    StoppableClock,
    again,
    carrier,
    obstacle,
)
from tests.simulation import Fate, Life, SimClock, SimEngine

PROJECT = """
[services.carousel]
template = "process"
command = "exec ./serve"
directory = "/srv/carousel/{version}"
"""

DEPLOY = Change(Verb.DEPLOY, "carousel", "v2", instances=2, destroy_previous=True)
DESTROY = Change(Verb.DESTROY, "carousel", "v1")
WISHES = {
    "deploy": (DEPLOY, {("v2", 1), ("v2", 2)}),
    "rollback": (Change(Verb.ROLLBACK, "carousel"), {("v0", 1), ("v0", 2)}),
    "scale up": (Change(Verb.SCALE, "carousel", instances=4), {("v1", n) for n in (1, 2, 3, 4)}),
    "scale down": (Change(Verb.SCALE, "carousel", instances=1), {("v1", 1)}),
    "destroy": (DESTROY, set()),
    "destroy one": (Change(Verb.DESTROY, "carousel", "v1", only=(2,)), {("v1", 1)}),
}


class World:
    """An engine, and a server's memory of one job."""

    def __init__(self, settings: Settings, clock: SimClock) -> None:
        self.engine = SimEngine(clock)
        self.plan: Plan | None = None
        self.planned_at = ""
        self._carry = carrier(settings, lambda: self.engine)

    def run(self, change: Change, *, earlier: bool = False, tell: Tell = lambda _: None) -> None:
        """Run the job, from its begin or from where it was cut off."""
        plan = self.plan if earlier else None
        job = Commission(change, "ann@laptop", self._planned, threading.Event(), plan, self.planned_at)
        self._carry(job, tell)

    def _planned(self, plan: Plan, latest: str | None) -> None:
        if self.plan is None:
            self.plan, self.planned_at = plan, self.engine.clock.utc() if latest is None else latest

    def do(self, intent: Change) -> None:
        """A job that nothing cuts off, by somebody else."""
        self.run(intent)
        self.plan, self.planned_at = None, ""

    def begin_anew(self, lives: dict[UnitName, Life]) -> None:
        """These are all the units that there are, nothing is recorded, and the server knows no job."""
        self.engine.lives.clear()
        self.engine.lives.update(deepcopy(lives))
        self.engine.leaving.clear()
        self.engine.records.kept.clear()
        self.plan, self.planned_at = None, ""

    def there(self) -> set[tuple[str, int]]:
        """(version, instance) of all there is."""
        return {(name.version, name.instance) for name in self.engine.lives}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """v1 runs with two instances, and v0 was before it."""
    (tmp_path / "deployster.toml").write_text(PROJECT)
    clock = SimClock()
    monkeypatch.setattr(worker, "StoppableClock", lambda _: clock)
    world = World(load({}, {}, tmp_path), clock)
    world.do(Change(Verb.DEPLOY, "carousel", "v0", instances=2))
    world.do(Change(Verb.DEPLOY, "carousel", "v1", instances=2, destroy_previous=True))
    clock.sleep(5)
    return world


class Killed(BaseException):
    """kill -9: nothing that comes after it reaches the world."""


def cut_after(world: World, change: Change, events: int) -> bool:
    """Begin the job and kill the server after so many events: no step more, no lock given back. Whether it ended."""
    told: list[Event] = []

    def tell(event: Event) -> None:
        if len(told) == events:
            raise Killed
        told.append(event)

    there = world.engine
    try:
        world.run(change, tell=tell)
    except Killed:
        world.engine = SimEngine(there.clock, lives=there.lives, leaving=there.leaving, records=there.records)
        return False
    return True


@pytest.mark.parametrize("wish", WISHES)
def test_cut_off_after_any_event_a_job_ends_as_if_it_had_not_been(world: World, wish: str) -> None:
    intent, wanted = WISHES[wish]
    lives = deepcopy(world.engine.lives)
    for events in range(100):
        world.begin_anew(lives)
        if cut_after(world, intent, events):
            break
        world.run(intent, earlier=True)
        assert world.there() == wanted, f"cut off after {events} events"
    assert events > 2


@pytest.mark.parametrize(
    "wish", [replace(DEPLOY, adopt=True), Change(Verb.DESTROY, "carousel", "worker", adopt=True)], ids=lambda w: w.verb
)
def test_what_came_after_a_job_was_cut_off_is_not_taken_over(world: World, wish: Change) -> None:
    lives = deepcopy(world.engine.lives)
    for events in range(100):
        world.begin_anew(lives)
        world.engine.add_foreign(UnitName("carousel", "worker", 1))
        if cut_after(world, wish, events):
            break
        planned = world.plan is not None
        world.engine.add_foreign(UnitName("carousel", "worker", 2))
        world.run(wish, earlier=True)
        left = {instance for version, instance in world.there() if version == "worker"}
        assert left == ({2} if planned else set()), f"cut off after {events} events"
    assert events > 2


def test_what_comes_while_a_jobs_task_runs_is_not_taken_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = world.engine
    early, late = (UnitName("carousel", "worker", instance) for instance in (1, 2))
    start = engine.start

    def start_beside(files: Collection[UnitFile]) -> None:
        start(files)
        if late not in engine.lives:
            engine.add_foreign(late)

    engine.add_foreign(early)
    engine.fates[UnitName("carousel.task", "v2", 1)] = Fate.EXITS
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)
    monkeypatch.setattr(engine, "start", start_beside)
    world.run(replace(DEPLOY, adopt=True, before=("true",)))
    assert world.there() == {("v2", 1), ("v2", 2), ("worker", 2)}


def test_what_ended_and_was_not_noted_is_done_again_without_doing_anything(world: World) -> None:
    world.run(DESTROY)
    world.run(DESTROY, earlier=True)
    assert world.there() == set()


def test_a_plan_is_remembered_only_once_the_lock_is_held(world: World) -> None:
    """It is made while it is not yet certain whose the lock is."""
    other = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, 10**9)
    world.engine.locks.late = lambda: world.engine.locks.notes.__setitem__("carousel", other)
    with pytest.raises(Locked):
        world.run(DEPLOY)
    assert world.plan is None


@pytest.mark.parametrize("clock", ["right", "behind"])
def test_what_somebody_else_deployed_since_is_not_undone(
    world: World, clock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_after(world, DEPLOY, 1)
    plan, at = world.plan, world.planned_at
    world.engine.clock.sleep(60)
    if clock == "behind":
        monkeypatch.setattr(world.engine.clock, "utc", lambda: "2025-12-31T23:00:00Z")
    world.do(Change(Verb.DEPLOY, "carousel", "v3", instances=1, destroy_previous=True))
    world.plan, world.planned_at = plan, at
    with pytest.raises(DeploysterError, match="ann@laptop has deployed carousel v3 since"):
        world.run(DEPLOY, earlier=True)
    assert world.there() == {("v3", 1)}


def test_what_a_laptop_whose_clock_is_ahead_deployed_before_is_no_obstacle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(world.engine.clock, "utc", lambda: "2026-01-02T00:00:00Z")
        world.do(Change(Verb.DEPLOY, "carousel", "v3", instances=1))
    cut_after(world, DEPLOY, 1)
    world.run(DEPLOY, earlier=True)
    assert world.there() == {("v2", 1), ("v2", 2)}


@pytest.mark.parametrize(
    ("intent", "size"),
    [
        (Change(Verb.DEPLOY, "carousel", "v2"), Instances(2, "as asked for by the last deploy (v1)", 2)),
        (Change(Verb.DEPLOY, "carousel", "v2", instances=1), Instances(1, "--instances", 2)),
        (Change(Verb.ROLLBACK, "carousel"), Instances(2, "as asked for by the last deploy (v1)", 2)),
        (Change(Verb.RESTART, "carousel"), Instances(2, "as asked for by the last deploy (v1)", 2)),
        (Change(Verb.SCALE, "carousel", instances=4), Instances(4, "scale", 2)),
        (DESTROY, None),
    ],
)
def test_a_job_has_its_number_of_instances_by_the_rule_of_the_command_line(
    world: World, intent: Change, size: Instances | None
) -> None:
    for unit in list(world.engine.lives)[1:]:
        world.engine.stop([unit])
    world.run(intent)
    assert world.plan is not None
    assert world.plan.instances == size


def test_what_was_deployed_anew_is_not_destroyed(world: World) -> None:
    world.run(DESTROY)
    plan, at = world.plan, world.planned_at
    world.engine.clock.sleep(60)
    world.do(Change(Verb.DEPLOY, "carousel", "v1", instances=1))
    world.plan, world.planned_at = plan, at
    with pytest.raises(DeploysterError, match="has deployed carousel v1 since"):
        world.run(DESTROY, earlier=True)
    assert world.there() == {("v1", 1)}


def test_the_plan_is_noted_before_anything_is_done(world: World) -> None:
    engine, calls = world.engine, len(world.engine.calls)
    cut_after(world, DEPLOY, 0)
    assert (world.plan is not None, len(engine.calls)) == (True, calls)


def test_a_job_that_is_stopped_says_so_and_gives_the_lock_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:

    def stopped(_: float) -> None:
        raise StopAsked

    with pytest.raises(Interrupted):
        world.run(DEPLOY, tell=lambda _: monkeypatch.setattr(world.engine.clock, "sleep", stopped))
    assert world.engine.locks.notes == {}


def test_a_wait_ends_when_the_stop_comes_and_only_that_one() -> None:
    stop = threading.Event()
    clock = StoppableClock(stop)
    clock.sleep(0.001)
    stop.set()
    with pytest.raises(StopAsked):
        clock.sleep(60)
    began = clock.now()
    clock.sleep(0.01)
    assert clock.now() - began >= 0.01


def test_the_clock_is_the_machines() -> None:
    clock = StoppableClock(threading.Event())
    assert clock.utc()[:4] == str(1970 + clock.epoch() // 31_556_952)


FOREIGN = (UnitName("carousel", "worker", 1),)


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        (replace(DEPLOY, adopt=True), replace(DEPLOY, adopt=True, adopt_only=FOREIGN, version="v2", instances=3)),
        (DEPLOY, replace(DEPLOY, version="v2", instances=3)),
        (replace(DESTROY, adopt=True), replace(DESTROY, adopt=True, adopt_only=FOREIGN)),
        (Change(Verb.SCALE, "carousel", instances=4), Change(Verb.SCALE, "carousel", instances=4)),
        (Change(Verb.ROLLBACK, "carousel"), Change(Verb.ROLLBACK, "carousel", "v2", 3)),
    ],
)
def test_what_is_run_again_asks_for_what_was_planned(change: Change, asks: Change) -> None:
    first, second, third = (UnitName("carousel", "v2", number) for number in (1, 2, 3))
    plan = Plan("carousel", "v2", (Step((first,), (second,)),), (third,), adopted=FOREIGN)
    assert (again(change, plan), again(change, None)) == (asks, change)


ONE = UnitName("carousel", "v2", 1)
STARTING = Starting(1, 1, (ONE,))
RESTART = Change(Verb.RESTART, "carousel")
RECREATING = Change(Verb.DEPLOY, "carousel", "v2", recreate=True)

CUT: tuple[tuple[Change | None, int, tuple[Event, ...], str], ...] = (
    (None, 1, (), "can't read what was asked for"),
    (DEPLOY, MOST_STARTS, (), "cut off 5 times"),
    (DEPLOY, 1, (TaskStarted("rake a"),), "cut off after rake a had begun"),
    (DEPLOY, 1, (TaskStarted("rake a"), TaskDone("rake a", 1), STARTING), "cut off after rake a had begun"),
    (DEPLOY, 1, (HookStarted("pre_deploy", "./ask"), HookDone("pre_deploy", 1)), "cut off after ./ask had begun"),
    (DEPLOY, 1, (STARTING, HookStarted("on_failure", "./tell")), "cut off after ./tell had begun"),
    (RESTART, 1, (STARTING,), "some instances were replaced"),
    (RECREATING, 1, (STARTING, Gone(ONE, 1)), "some instances were replaced"),
    (DEPLOY, MOST_STARTS - 1, (), ""),
    (DEPLOY, 1, (STARTING, Gone(ONE, 1)), ""),
    (RESTART, 1, (), ""),
)


@pytest.mark.parametrize(("intent", "starts", "told", "why"), CUT)
def test_what_can_not_be_run_again_says_why(
    intent: Change | None, starts: int, told: tuple[Event, ...], why: str
) -> None:
    found = obstacle(intent, starts, told)
    assert (why in found, bool(found)) == (True, bool(why))
