"""Rollouts while somebody else kills, stops, replaces and re-creates the new units, or the registry is emptied: no run
says that it is done where a last look would deny it, and none takes the earlier release away without need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployster_cli.domain import events
from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Failure
from deployster_cli.domain.rollout.machine import begin, condemned
from deployster_cli.domain.rollout.plan import Plan, Step, plan_deploy, plan_destroy
from deployster_cli.domain.rollout.state import Phase, Rollout
from deployster_cli.domain.rollout.tracking import Reason, Track, Traits
from deployster_cli.domain.units.model import Condition, OnFailure, Order, State
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineError, EngineUnreachable, Refused
from deployster_cli.operations.rollout import RolloutSpec, Stopped, drive
from tests.domain import driving
from tests.domain.driving import Run, wanted
from tests.simulation import Fate, Life, SimClock, SimEngine, stamped, unstamped

OLD, NEW = "v1", "v2"


def names(version: str, count: int) -> tuple[UnitName, ...]:
    return tuple(UnitName("carousel", version, i) for i in range(1, count + 1))


class Mischief(Enum):
    """What somebody does to a unit."""

    DESTROYS = "destroys it"
    KILLS = "has it fail"
    LOOPS = "has it crash and restart for ever"
    STOPS = "stops it"
    REPLACES = "puts other content under its name"
    ANEW = "destroys it and starts it again"


class MischievousClock(SimClock):
    """Does things to units as time passes. ``plot`` is (second, what) in order."""

    engine: SimEngine
    plot: list[tuple[float, Callable[[SimEngine], None]]]

    def sleep(self, seconds: float) -> None:
        end = self.at + seconds
        while self.plot and self.plot[0][0] <= end:
            at, deed = self.plot.pop(0)
            self.at = max(self.at, at)
            deed(self.engine)
        self.at = max(self.at, end)


def done_to(name: UnitName, mischief: Mischief) -> Callable[[SimEngine], None]:
    def deed(engine: SimEngine) -> None:
        life, now = engine.lives.get(name), engine.clock.now()
        if life is None:
            return
        match mischief:
            case Mischief.DESTROYS:
                engine.lives.pop(name)
                engine.leaving[name] = replace(life, stop_done=now, row_until=now + 2)
            case Mischief.KILLS:
                life.fate = Fate.FAILS
            case Mischief.LOOPS:
                life.fate, life.up = Fate.LOOPS, min(life.up, now)
            case Mischief.STOPS:
                life.desired, life.stop_done = State.LOADED, now
            case Mischief.REPLACES:
                assert life.file
                life.file = replace(life.file, options=(*life.file.options, ("Service", "User", "eve")))
            case Mischief.ANEW:
                engine.lives[name] = Life(Fate.RUNS, placed=now + 2, up=now + 3, file=life.file)

    return deed


def emptied(engine: SimEngine) -> None:
    engine.emptied = True


class Hold:
    """A lock that is in every listing that is not empty."""

    def __init__(self, engine: SimEngine) -> None:
        self.engine = engine

    @property
    def shown(self) -> bool:
        return not self.engine.locks.hidden

    def keep(self) -> None:
        """Put back at once where the registry has lost it."""

    def ensure(self) -> None:
        """Never lost."""


def sim(old: int, plot: list[tuple[float, Callable[[SimEngine], None]]], **changes: object) -> SimEngine:
    clock = MischievousClock()
    clock.plot = sorted(plot, key=lambda entry: entry[0])
    engine = clock.engine = SimEngine(clock, **changes)  # type: ignore[arg-type]
    engine.add_running(*names(OLD, old))
    return engine


def go(engine: SimEngine, work: RolloutSpec) -> Run:
    return driving.go(engine, work, Hold(engine))


def deploy(
    engine: SimEngine, count: int, policy: Policy | None = None, batch: int | None = None, traits: Traits | None = None
) -> Run:
    change = wanted("carousel", NEW, count, True, batch, policy=policy or Policy())
    plan = plan_deploy(change, engine.units(), ())
    return go(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start}, traits or Traits()))


# A second at which, by default, the new units have risen and the old ones are stopped and not yet destroyed.
STANDS = 11.0

# A second at which the old units are being destroyed.
RETIRES = 12.2


def test_when_things_happen_is_as_the_tests_below_take_it_to_be() -> None:
    seen: dict[float, tuple[int, int]] = {}

    def at(second: float) -> Callable[[SimEngine], None]:
        return lambda engine: seen.update({second: (engine.running("carousel", OLD), engine.running("carousel", NEW))})

    assert deploy(sim(3, [(second, at(second)) for second in (STANDS, RETIRES)]), 3).end.phase is Phase.DONE
    assert seen == {STANDS: (0, 3), RETIRES: (0, 3)}


@pytest.mark.parametrize(
    ("mischief", "reason"),
    [
        (Mischief.DESTROYS, Reason.GONE),
        (Mischief.KILLS, Reason.FAILED),
        (Mischief.LOOPS, Reason.DIED),
        (Mischief.STOPS, Reason.GONE),
        (Mischief.REPLACES, Reason.REPLACED),
    ],
)
@pytest.mark.parametrize("order", Order)
def test_what_befalls_a_new_unit_before_the_old_ones_are_destroyed_brings_those_back(
    mischief: Mischief, reason: Reason, order: Order
) -> None:
    engine = sim(3, [(STANDS - 2, done_to(names(NEW, 1)[0], mischief))])
    run = deploy(engine, 3, Policy(order=order, settle=6))
    before_it_was_ready = order is Order.STOP_FIRST and mischief is Mischief.LOOPS
    assert (run.end.phase, run.reason) == (Phase.FAILED, Reason.CRASH_LOOP if before_it_was_ready else reason)
    assert (engine.running("carousel", OLD), set(engine.lives)) == (3, set(names(OLD, 3)))


@pytest.mark.parametrize("mischief", [Mischief.DESTROYS, Mischief.KILLS, Mischief.STOPS])
@pytest.mark.parametrize("order", Order)
def test_what_befalls_a_new_unit_while_the_old_ones_are_destroyed_puts_those_in_anew(
    mischief: Mischief, order: Order
) -> None:
    engine = sim(3, [], leave_delay=4.0, once_destroyed=done_to(names(NEW, 1)[0], mischief))
    files = {name: life.file for name, life in engine.lives.items()}
    run = deploy(engine, 3, Policy(order=order))
    assert (run.end.phase, run.end.committed, run.end.left) == (Phase.FAILED, True, ())
    assert (engine.running("carousel", OLD), {n: life.file for n, life in engine.lives.items()}) == (3, files)
    assert [event.names for event in run.of(events.Restoring)] == [names(OLD, 3)]


def test_without_a_lock_to_look_for_they_are_put_in_anew_too_once_two_listings_agree() -> None:
    engine = sim(2, [], leave_delay=4.0, once_destroyed=done_to(names(NEW, 1)[0], Mischief.KILLS))
    plan = plan_deploy(wanted("carousel", NEW, 2, True), engine.units(), ())
    run = driving.go(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start}))
    assert (run.end.phase, engine.running("carousel", OLD)) == (Phase.FAILED, 2)
    assert not [names for verb, names in engine.calls if verb == "resume"]


def test_earlier_instances_that_can_not_be_put_in_anew_are_told_by_the_last_look() -> None:
    engine = sim(2, [], once_destroyed=done_to(names(NEW, 1)[0], Mischief.KILLS))
    failing, running = names(OLD, 2)
    engine.fates[failing] = Fate.FAILS
    run = deploy(engine, 2)
    assert (run.reason, run.end.left) == (Reason.FAILED, names(NEW, 2))
    assert run.end.serving == frozenset({running})


def test_an_earlier_instance_whose_file_can_not_be_read_is_not_destroyed() -> None:
    engine = sim(2, [], unreadable={names(OLD, 2)[0]})
    run = deploy(engine, 2, Policy(timeout=60))
    assert (run.reason, run.end.left) == (Reason.NOT_GONE, names(OLD, 2))
    assert (engine.running("carousel", NEW), set(engine.lives)) == (2, {*names(NEW, 2), *names(OLD, 2)})


def test_a_name_that_somebody_else_has_taken_meanwhile_keeps_no_other_earlier_instance_away() -> None:
    taken, *others = names(OLD, 3)

    def mischief(engine: SimEngine) -> None:
        done_to(names(NEW, 1)[0], Mischief.KILLS)(engine)
        engine.add_foreign(taken)

    engine = sim(3, [], once_destroyed=mischief)
    run = deploy(engine, 3)
    assert (run.reason, run.end.serving, engine.clock.now() < 60) == (Reason.FAILED, frozenset(others), True)
    assert engine.lives[taken].file == unstamped(taken)


def test_an_earlier_instance_that_somebody_else_destroys_keeps_no_other_away() -> None:
    gone, *others = names(OLD, 3)
    engine = sim(
        3, [(STANDS, done_to(gone, Mischief.DESTROYS))], once_destroyed=done_to(names(NEW, 1)[0], Mischief.KILLS)
    )
    run = deploy(engine, 3)
    assert (run.reason, run.end.serving, engine.clock.now() < 60) == (Reason.FAILED, frozenset(others), True)


@pytest.mark.parametrize("order", Order)
def test_where_no_earlier_instance_was_up_the_new_ones_stay_once_those_are_destroyed(order: Order) -> None:
    engine = sim(2, [], once_destroyed=done_to(names(NEW, 1)[0], Mischief.KILLS))
    for life in engine.lives.values():
        life.fate = Fate.FAILS
    run = deploy(engine, 2, Policy(order=order))
    assert (run.reason, run.end.left, set(engine.lives)) == (Reason.FAILED, names(NEW, 2), set(names(NEW, 2)))


def test_new_instances_that_will_not_stop_keep_no_earlier_one_down() -> None:
    engine = sim(2, [], fates=dict.fromkeys(names(NEW, 2), Fate.FAILS), stops_late=dict.fromkeys(names(NEW, 2), 500.0))
    run = deploy(engine, 2, Policy(order=Order.STOP_FIRST, timeout=20))
    assert (run.end.phase, engine.running("carousel", OLD), run.end.left) == (Phase.FAILED, 2, names(NEW, 2))


def test_a_first_batch_that_dies_while_the_next_ones_start_fails_the_rollout() -> None:
    engine = sim(4, [(20, done_to(names(NEW, 1)[0], Mischief.KILLS))])
    run = deploy(engine, 4, batch=1)
    assert (run.reason, engine.running("carousel", OLD), set(engine.lives)) == (Reason.FAILED, 4, set(names(OLD, 4)))


def test_an_instance_that_ran_before_and_is_kept_is_judged_too() -> None:
    engine = sim(2, [])
    change = wanted("carousel", OLD, 1)
    engine.clock.plot = [(1.0, done_to(names(OLD, 1)[0], Mischief.DESTROYS))]  # type: ignore[attr-defined]
    run = go(engine, RolloutSpec(plan_deploy(change, engine.units(), names(OLD, 2))))
    assert (run.reason, engine.running("carousel", OLD)) == (Reason.GONE, 1)


def crashed_once(engine: SimEngine) -> None:
    """The first of the new units dies, and is up again a second later."""
    life = engine.lives[names(NEW, 1)[0]]
    life.fate, life.up = Fate.RECOVERS, engine.clock.now() - 1


def finished(at: float | None = None, order: Order = Order.START_FIRST) -> tuple[Run, SimEngine]:
    """A deploy of what an earlier run has left beside the old release; a new unit dies once, so many seconds later."""
    engine = sim(2, [(at, crashed_once)] if at is not None else [])
    engine.add_running(*names(NEW, 2))
    change = wanted("carousel", NEW, 2, True, policy=Policy(order=order))
    return go(engine, RolloutSpec(plan_deploy(change, engine.units(), names(NEW, 2)))), engine


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("at", [0.5, 2.0, 4.0, 6.0])
def test_a_release_that_was_there_already_and_dies_once_does_not_take_the_place_of_another(
    at: float, order: Order
) -> None:
    run, engine = finished(at, order)
    assert (run.reason, engine.running("carousel", OLD)) == (Reason.DIED, 2)


@pytest.mark.parametrize("order", Order)
def test_a_release_that_was_there_already_stands_before_another_is_stopped(order: Order) -> None:
    run, engine = finished(order=order)
    settled, parked, *_ = [event for event in run.told if isinstance(event, events.Settling | events.Parking)]
    assert (settled, parked) == (events.Settling(names(NEW, 2), 3.0), events.Parking(names(OLD, 2)))
    assert (run.end.phase, engine.running("carousel", NEW)) == (Phase.DONE, 2)


def test_nothing_to_do_is_said_of_a_look() -> None:
    engine = sim(2, [])
    plan = plan_deploy(wanted("carousel", OLD, 2), engine.units(), names(OLD, 2))
    before = engine.looks
    run = go(engine, RolloutSpec(plan))
    assert (plan.empty, run.end.phase, run.told, engine.looks) == (True, Phase.DONE, [], before + 1)


def test_a_new_unit_that_is_started_anew_by_somebody_is_waited_for_again() -> None:
    engine = sim(2, [(RETIRES, done_to(names(NEW, 1)[0], Mischief.ANEW))])
    run = deploy(engine, 2)
    assert (run.end.phase, engine.running("carousel", NEW)) == (Phase.DONE, 2)


@pytest.mark.parametrize("at", [1, STANDS - 1, RETIRES])
def test_a_registry_that_lost_its_data_is_no_proof_of_anything_done(at: float) -> None:
    run = deploy(sim(3, [(at, emptied)]), 3, Policy(timeout=30))
    assert (run.end.phase, run.end.serving) == (Phase.FAILED, frozenset())


@pytest.mark.parametrize("listed", [True, False])
def test_units_that_an_empty_listing_lacks_are_not_gone(listed: bool) -> None:
    engine = sim(2, [], empty_looks=range(3, 400, 2))
    run = go(engine, RolloutSpec(plan_destroy("carousel", OLD, engine.units()))) if listed else deploy(engine, 2)
    assert (run.end.phase, engine.running("carousel", OLD)) == (Phase.DONE, 0)
    assert all(name.version == NEW for name in engine.lives)


def test_keep_brings_the_old_ones_back_beside_the_new_that_are_kept() -> None:
    engine = sim(3, [(STANDS - 2, done_to(names(NEW, 1)[0], Mischief.KILLS))])
    run = deploy(engine, 3, Policy(settle=6, on_failure=OnFailure.KEEP))
    assert (engine.running("carousel", OLD), run.end.left) == (3, names(NEW, 3))


def test_keep_leaves_the_old_ones_stopped_where_they_can_t_run_beside_the_new() -> None:
    engine = sim(3, [(STANDS - 2, done_to(names(NEW, 1)[0], Mischief.KILLS))])
    run = deploy(engine, 3, Policy(settle=6, on_failure=OnFailure.KEEP, order=Order.STOP_FIRST))
    assert (engine.running("carousel", OLD), run.end.left) == (0, names(NEW, 3))


def sleepy(call: str, at: float) -> SimEngine:
    """A laptop's lid is closed for ten minutes, at such a call or (``sleep``) between two looks."""
    engine = sim(1, [], is_local=True)
    of: object = engine.clock if call == "sleep" else engine
    real, slept = getattr(of, call), list[float]()

    def doze(*given: object) -> object:
        if not slept and engine.clock.now() >= at:
            slept.append(at)
            engine.clock.at += 600
        return real(*given)

    setattr(of, call, doze)
    return engine


@pytest.mark.parametrize(
    ("call", "at"), [("sleep", 1), ("sleep", 5), ("units", 1), ("units", 5), ("start", 0), ("stop", 0), ("destroy", 0)]
)
@pytest.mark.parametrize("order", Order)
def test_a_laptop_that_sleeps_sees_the_units_settle_once_more(call: str, at: float, order: Order) -> None:
    engine = sleepy(call, at)
    run = deploy(engine, 1, Policy(settle=5, timeout=60, order=order))
    assert (run.end.phase, set(engine.lives)) == (Phase.DONE, set(names(NEW, 1)))
    assert engine.clock.now() >= 600 + at + (5 if call in {"sleep", "units"} else 0)


def test_an_outage_in_which_a_laptop_sleeps_is_waited_out_for_as_long_as_any() -> None:
    engine = sleepy("units", 5)
    engine.outages = range(8, 10_000)
    run = deploy(engine, 1, Policy(timeout=60))
    assert (run.reason, 600 < engine.clock.now() < 730) == (Reason.AWAY, True)


def test_time_in_which_the_engine_was_away_is_no_time_up() -> None:
    engine = sim(0, [], outages=range(18, 45))
    run = deploy(engine, 1, Policy(settle=30))
    *_, up, _, back, ready = run.told
    assert isinstance(up, events.Changed)
    assert isinstance(back, events.EngineBack)
    assert isinstance(ready, events.Ready)
    assert (up.unit.condition, back.seconds > 5) == (Condition.RUNNING, True)
    assert ready.seconds >= up.seconds + back.seconds + 30


def test_units_that_came_up_at_different_moments_settle_with_the_last() -> None:
    first, second = names(NEW, 2)
    engine = sim(0, [(4.0, done_to(second, Mischief.ANEW))])
    run = deploy(engine, 2, Policy(settle=5))
    ready = {event.unit.name: event.seconds for event in run.told if isinstance(event, events.Ready)}
    assert ready[second] - ready[first] >= 4.9 or ready[second] >= 12
    assert engine.clock.now() >= 12


class Stubborn(SimEngine):
    """Carries requests out and says that it did not, so many times a verb."""

    def __init__(self, *args: object, lies: dict[str, int], error: type[EngineError] = EngineError) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.lies, self.error = lies, error

    def _lie(self, verb: str) -> None:
        if self.lies.get(verb, 0) > 0:
            self.lies[verb] -= 1
            raise self.error(f"{verb} exited with 1")

    def stop(self, names: object) -> None:
        super().stop(names)  # type: ignore[arg-type]
        self._lie("stop")

    def destroy(self, names: object) -> None:
        super().destroy(names)  # type: ignore[arg-type]
        self._lie("destroy")

    def start(self, files: object) -> None:
        super().start(files)  # type: ignore[arg-type]
        self._lie("start")

    def resume(self, names: object) -> None:
        super().resume(names)  # type: ignore[arg-type]
        self._lie("resume")


def stubborn(old: int, fates: dict[UnitName, Fate] | None = None, **lies: int) -> Stubborn:
    clock = MischievousClock()
    clock.plot = []
    engine = clock.engine = Stubborn(clock, fates or {}, lies=lies)
    engine.add_running(*names(OLD, old))
    return engine


@pytest.mark.parametrize("order", Order)
def test_a_write_that_worked_and_failed_is_no_refusal(order: Order) -> None:
    engine = stubborn(2, start=1, stop=1, destroy=1)
    run = deploy(engine, 2, Policy(order=order))
    assert (run.end.phase, set(engine.lives)) == (Phase.DONE, set(names(NEW, 2)))


@pytest.mark.parametrize("order", Order)
def test_undoing_goes_on_after_a_refusal(order: Order) -> None:
    engine = stubborn(2, {names(NEW, 1)[0]: Fate.FAILS}, stop=9, destroy=9, resume=9)
    engine.lies["stop"] = 0 if order is Order.STOP_FIRST else 9
    run = deploy(engine, 2, Policy(order=order))
    assert (run.end.phase, set(engine.lives), run.end.left) == (Phase.FAILED, set(names(OLD, 2)), ())
    assert engine.running("carousel", OLD) == 2


def test_a_request_that_is_refused_again_and_again_fails_the_rollout() -> None:
    engine = stubborn(1)
    engine.fates[names(NEW, 1)[0]] = Fate.REFUSED
    run = deploy(engine, 1)
    assert (run.reason, [verb for verb, _ in engine.calls].count("start"), engine.clock.now() < 10) == (
        Reason.REFUSED,
        3,
        True,
    )


def test_a_refusal_that_is_final_fails_it_at_once() -> None:
    engine = stubborn(1, start=1)
    engine.error = Refused
    assert (deploy(engine, 1).reason, [verb for verb, _ in engine.calls].count("start")) == (Reason.REFUSED, 1)


def test_a_job_that_ends_well_is_done() -> None:
    engine = sim(0, [], fates={names(NEW, 1)[0]: Fate.ENDS})
    run = deploy(engine, 1, traits=Traits(oneshot=True))
    assert (run.end.phase, engine.clock.now() < 12) == (Phase.DONE, True)


def test_a_job_that_has_ended_well_before_is_seen_to_be_done_at_once() -> None:
    engine = sim(0, [])
    engine.add_running(*names(NEW, 1))
    engine.lives[names(NEW, 1)[0]].fate = Fate.ENDS
    plan = plan_deploy(wanted("carousel", NEW, 1), engine.units(), names(NEW, 1), oneshot=True)
    run = driving.go(engine, RolloutSpec(plan, {}, Traits(oneshot=True)))
    assert (plan.keep, run.end.phase, engine.clock.now() < 3) == (names(NEW, 1), Phase.DONE, True)


def test_removing_many_may_take_longer_than_the_time_limit_while_it_gets_on() -> None:
    old = names(OLD, 30)
    engine = sim(30, [], stops_late={name: 5.0 * name.instance for name in old})
    run = go(engine, RolloutSpec(plan_destroy("carousel", OLD, engine.units(), policy=Policy(timeout=20))))
    assert (run.end.phase, engine.clock.now() > 140) == (Phase.DONE, True)


deeds = st.tuples(st.floats(0.5, 60), st.builds(done_to, st.sampled_from(names(NEW, 4)), st.sampled_from(Mischief)))
delays = st.floats(0.1, 12)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[SimEngine, int, int | None, Policy]:
    old = draw(st.integers(0, 4))
    plot = draw(st.lists(deeds, max_size=3)) + draw(
        st.lists(st.tuples(st.floats(0.5, 60), st.just(emptied)), max_size=1)
    )
    engine = sim(
        old,
        plot,
        place_delay=draw(delays),
        start_delay=draw(delays),
        stop_delay=draw(delays),
        leave_delay=draw(delays),
        empty_looks=draw(st.frozensets(st.integers(2, 90), max_size=30)),
        lost_rows=draw(st.frozensets(st.integers(2, 90), max_size=20)),
    )
    count = draw(st.integers(max(1, old), 4))
    policy = Policy(
        settle=draw(st.sampled_from([0.0, 3.0])),
        timeout=60,
        order=draw(st.sampled_from(Order)),
        on_failure=draw(st.sampled_from(OnFailure)),
    )
    return engine, count, draw(st.none() | st.integers(1, 4)), policy


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_no_run_ends_in_done_that_a_last_look_would_deny_and_none_loses_the_earlier_release(
    world: tuple[SimEngine, int, int | None, Policy],
) -> None:
    engine, count, batch, policy = world
    old = len(engine.lives)
    lost, empty, engine.lost_rows, engine.empty_looks = engine.lost_rows, engine.empty_looks, (), ()
    plan = plan_deploy(wanted("carousel", NEW, count, True, batch, policy=policy), engine.units(), ())
    engine.lost_rows, engine.empty_looks = lost, empty
    run = go(engine, RolloutSpec(plan, {name: stamped(name) for name in plan.start}))
    engine.lost_rows = engine.empty_looks = ()
    if run.end.phase is Phase.DONE:
        assert engine.running("carousel", NEW) == count
        kept = {name: life.file.hash for name, life in engine.lives.items() if life.file}
        assert kept == {name: stamped(name).hash for name in names(NEW, count)}
    elif not engine.emptied:
        apart = policy.on_failure is OnFailure.KEEP and policy.order is Order.STOP_FIRST
        assert engine.running("carousel", OLD) == old or apart


def test_a_release_that_dies_once_it_was_ready_is_not_done_though_it_is_up_again() -> None:
    engine = sim(3, [(RETIRES, done_to(name, Mischief.LOOPS)) for name in names(NEW, 3)])
    run = deploy(engine, 3)
    assert (run.end.phase, run.reason, run.end.committed) == (Phase.FAILED, Reason.DIED, True)
    assert (engine.running("carousel", OLD), set(engine.lives)) == (3, set(names(OLD, 3)))


def test_a_batch_settles_with_the_unit_that_came_up_last() -> None:
    first, second = names(NEW, 2)
    plan = Plan("carousel", NEW, (Step(start=(first, second)),), policy=Policy(settle=5))
    tracks = {first: Track(up_since=1.0), second: Track(up_since=4.0)}
    rollout = Rollout(plan, phase=Phase.STARTING, step=0, started=(first, second), tracks=tracks)
    assert rollout.settles_at == 9
    assert replace(rollout, tracks={first: Track(up_since=1.0)}).settles_at is None


def test_what_was_started_first_settles_once_more_when_the_old_ones_have_stopped() -> None:
    (new,), (old,) = names(NEW, 1), names(OLD, 1)
    plan = Plan("carousel", NEW, (Step(start=(new,), retire=(old,)),), policy=Policy(settle=5))
    tracks = {new: Track(up_since=1.0)}
    rollout = Rollout(plan, phase=Phase.SETTLING, step=0, since=20, started=(new,), parked=(old,), tracks=tracks)
    assert rollout.settles_at == 25
    stop_first = replace(plan, policy=Policy(settle=5, order=Order.STOP_FIRST))
    assert replace(rollout, plan=stop_first).settles_at == 6


def test_a_job_of_the_earlier_release_that_has_ended_is_not_run_once_more() -> None:
    engine = sim(2, [], fates={names(NEW, 1)[0]: Fate.FAILS})
    for life in engine.lives.values():
        life.fate = Fate.ENDS
    run = deploy(engine, 1, Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, [verb for verb, _ in engine.calls if verb == "resume"]) == (Phase.FAILED, [])


def test_a_signal_in_the_midst_of_a_turn_knows_what_that_turn_has_come_to() -> None:
    engine = sim(1, [], fates={names(NEW, 1)[0]: Fate.FAILS})
    plan = plan_deploy(wanted("carousel", NEW, 1, True), engine.units(), ())
    work = RolloutSpec(plan, {name: stamped(name) for name in plan.start})

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.Failed):
            raise KeyboardInterrupt

    with pytest.raises(Stopped) as stopped:
        drive(engine, work, engine.clock, Hold(engine), interrupt)
    assert stopped.value.rollout.failure is not None


def test_a_stop_that_nobody_answered_is_undone_all_the_same() -> None:
    engine = stubborn(2, {names(NEW, 1)[0]: Fate.FAILS}, stop=1)
    engine.error = EngineUnreachable
    run = deploy(engine, 2, Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, engine.running("carousel", OLD)) == (Phase.FAILED, 2)


def test_past_the_point_of_no_return_a_refused_destroy_is_asked_for_until_it_is_done() -> None:
    engine = stubborn(2, destroy=9)
    engine.leave_delay = 40
    run = deploy(engine, 2)
    assert (run.end.phase, set(engine.lives)) == (Phase.DONE, set(names(NEW, 2)))


def test_what_a_journal_condemns_fails_the_rollout_once() -> None:
    (new,) = names(NEW, 1)
    plan = Plan("carousel", NEW, (Step(start=(new,)),))
    failure = Failure(Reason.UNHEALTHY, (new,))
    start, _ = begin(plan, Traits(), 0)
    failed, told = condemned(start, failure, 1)
    assert (failed.failure, next(type(event) for event in told)) == (failure, events.Failed)
    assert condemned(failed, failure, 2) == (failed, ())
