"""A rollout against a model of an engine that misbehaves, held to what the design promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deployster_cli.domain import events
from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Failure, Journal
from deployster_cli.domain.rollout.machine import advance, begin, refused
from deployster_cli.domain.rollout.plan import Instances, Plan, Step, halted, plan_deploy, plan_destroy
from deployster_cli.domain.rollout.state import Action, Listing, Phase, Rollout, Verb, enter
from deployster_cli.domain.rollout.tracking import Limits, Reason, Traits
from deployster_cli.domain.units.model import Condition, OnFailure, Order, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.operations.rollout import NoLock, RolloutSpec, Stops, drive
from tests.domain import driving
from tests.domain.driving import wanted
from tests.simulation import HOST, Fate, SimClock, SimEngine, stamped

OLD, NEW = "v1", "v2"


def names(version: str, count: int) -> tuple[UnitName, ...]:
    return tuple(UnitName("carousel", version, i) for i in range(1, count + 1))


def file(name: UnitName) -> UnitFile:
    return stamped(name)


@dataclass
class Run(driving.Run):
    """One driven rollout, and the fewest instances that ever served."""

    fewest: int = 0


class WatchedClock(SimClock):
    """Looks at the truth each time that time passes."""

    engine: SimEngine
    fewest: int = 1_000_000

    def sleep(self, seconds: float) -> None:
        for _ in range(4):
            self.at += seconds / 4
            serving = self.engine.running("carousel", OLD) + self.engine.running("carousel", NEW)
            self.fewest = min(self.fewest, serving)


def sim(fates: Mapping[UnitName, Fate] | None = None, old: int = 0, **changes: object) -> SimEngine:
    clock = WatchedClock()
    engine = SimEngine(clock, dict(fates or {}), **changes)  # type: ignore[arg-type]
    clock.engine = engine
    engine.add_running(*names(OLD, old))
    return engine


def go(engine: SimEngine, plan: Plan, traits: Traits | None = None, stops: Stops | None = None) -> Run:
    run = driving.go(engine, RolloutSpec(plan, {n: file(n) for n in plan.start}, traits or Traits()), stops=stops)
    assert isinstance(engine.clock, WatchedClock)
    return Run(run.end, run.told, engine.clock.fewest)


def deploy(engine: SimEngine, count: int = 2, *, batch: int | None = None, policy: Policy | None = None) -> Run:
    change = wanted("carousel", NEW, count, destroy_previous=True, batch=batch, policy=policy or Policy())
    return go(engine, plan_deploy(change, engine.units(), current=names(NEW, count)))


def test_a_first_deploy_ends_when_every_instance_has_stayed_running() -> None:
    run = deploy(sim(), 2)
    assert run.end.phase is Phase.DONE
    assert [event.seconds >= 3 for event in run.told if isinstance(event, events.Ready)] == [True, True]


def test_the_earlier_release_goes_only_after_the_new_one_serves() -> None:
    engine = sim(old=2)
    run = deploy(engine, 2)
    assert (run.end.phase, run.fewest) == (Phase.DONE, 2)
    assert set(engine.lives) == set(names(NEW, 2))


def test_one_call_starts_all_instances_and_the_calls_do_not_grow_with_them() -> None:
    few, many = sim(old=1), sim(old=50)
    deploy(few, 1)
    deploy(many, 50)
    assert len(few.calls) == len(many.calls) == 3


def test_a_unit_that_fails_is_undone_at_once_and_the_old_release_serves_throughout() -> None:
    engine = sim({names(NEW, 2)[1]: Fate.FAILS}, old=2)
    run = deploy(engine, 2)
    assert (run.end.phase, run.fewest, set(engine.lives)) == (Phase.FAILED, 2, set(names(OLD, 2)))
    assert run.end.failure is not None
    assert run.end.failure.reason is Reason.FAILED


def test_the_journal_of_the_failed_unit_comes_before_it_is_undone() -> None:
    told = deploy(sim({names(NEW, 1)[0]: Fate.FAILS}), 1).told
    kinds = [type(event) for event in told]
    assert kinds.index(events.Failed) < kinds.index(Journal) < len(kinds)
    assert Journal(names(NEW, 1)[0], ("a last word of carousel v2 @1",)) in told


def test_with_keep_the_failed_units_stay_for_a_look() -> None:
    engine = sim({names(NEW, 1)[0]: Fate.FAILS}, old=1)
    run = deploy(engine, 1, policy=Policy(on_failure=OnFailure.KEEP))
    assert (run.end.phase, run.end.left) == (Phase.FAILED, names(NEW, 1))
    assert set(engine.lives) == set(names(OLD, 1) + names(NEW, 1))


def test_a_crash_loop_is_a_failure_even_if_it_looks_up_now_and_then() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.LOOPS}), 1, policy=Policy(settle=10))
    assert run.end.failure is not None
    assert run.end.failure.reason is Reason.CRASH_LOOP


def test_an_auto_restart_longer_than_its_pause_counts_as_two() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.LOOPS}), 1, policy=Policy(settle=10))
    slow = go(
        sim({names(NEW, 1)[0]: Fate.RECOVERS}),
        plan_deploy(wanted("carousel", NEW, 1, policy=Policy(settle=5)), (), ()),
        Traits(limits=Limits(5)),
    )
    assert (run.end.phase, slow.end.phase) == (Phase.FAILED, Phase.DONE)


def test_one_restart_is_forgiven() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.RECOVERS}), 1, policy=Policy(settle=5))
    assert run.end.phase is Phase.DONE


def test_a_server_that_ends_has_failed() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.ENDS}), 1)
    assert run.end.failure is not None
    assert run.end.failure.reason is Reason.ENDED


def test_a_unit_whose_machine_is_lost_before_it_tells_of_it_is_waited_for() -> None:
    assert deploy(sim({names(NEW, 2)[0]: Fate.MOVES}, old=2), 2).end.phase is Phase.DONE


def test_the_only_machine_can_t_be_lost() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.MOVES}, is_local=True), 1)
    assert run.end.failure is not None
    assert (run.end.failure.reason, run.end.since < 10) == (Reason.ENDED, True)


def test_a_unit_that_no_machine_fits_fails_at_the_time_limit() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.NOWHERE}, old=1), 1, policy=Policy(timeout=20))
    assert run.end.failure is not None
    assert (run.end.failure.reason, run.fewest) == (Reason.NO_MACHINE, 1)


def test_after_15_seconds_it_is_told_once_which_units_are_on_no_machine() -> None:
    first, second = names(NEW, 2)
    units = [listed(first, State.LAUNCHED, State.LAUNCHED, "active"), Unit(second, State.LAUNCHED, State.INACTIVE)]
    rollout, _ = begin(plan_deploy(wanted("carousel", NEW, 2), (), ()), Traits(), 0)
    told = {}
    for now in (1, 14.9, 15, 20):
        rollout, _, more = advance(rollout, units, now)
        told[now] = [event for event in more if isinstance(event, events.NoMachineYet)]
    assert told == {1: [], 14.9: [], 15: [events.NoMachineYet((second,))], 20: []}


def test_a_slow_start_is_waited_for_until_the_time_limit() -> None:
    assert deploy(sim(start_delay=30), 1).end.phase is Phase.DONE
    late = deploy(sim(start_delay=30), 1, policy=Policy(timeout=20)).end
    assert late.failure is not None
    assert late.failure.reason is Reason.NOT_YET


def test_being_placed_starting_and_settling_have_the_time_limit_each() -> None:
    run = deploy(sim(place_delay=15, start_delay=15), 1, policy=Policy(timeout=20, settle=10))
    assert (run.end.phase, run.end.since > 35) == (Phase.DONE, True)


def test_one_of_many_that_gets_on_going_lets_the_time_limit_begin_anew() -> None:
    first, slow = names(OLD, 2)
    engine = sim(old=2, stop_delay=2, leave_delay=16, stops_late={slow: 30})
    run = go(engine, plan_destroy("carousel", OLD, engine.units(), policy=Policy(timeout=20)))
    assert (run.end.phase, [event.name for event in run.of(events.Gone)]) == (Phase.DONE, [first, slow])


def test_a_refused_unit_fails_the_rollout_with_the_engines_words() -> None:
    run = deploy(sim({names(NEW, 1)[0]: Fate.REFUSED}, old=1), 1)
    assert run.end.failure is not None
    assert (run.end.failure.text, run.end.phase) == ("the engine refused the unit", Phase.FAILED)


def test_an_engine_that_goes_away_is_waited_for() -> None:
    run = deploy(sim(old=1, outages=range(4, 40)), 1)
    assert (run.end.phase, len(run.of(events.EngineAway)), len(run.of(events.EngineBack))) == (Phase.DONE, 1, 1)


def test_an_engine_that_stays_away_ends_the_rollout_at_its_limit() -> None:
    run = deploy(sim(old=1, outages=range(4, 1000)), 1, policy=Policy(timeout=30))
    assert run.end.failure is not None
    assert (run.end.failure.reason, run.end.phase) == (Reason.AWAY, Phase.FAILED)


def test_stop_first_never_runs_old_and_new_beside_each_other() -> None:
    engine = sim(old=1)
    run = deploy(engine, 1, policy=Policy(order=Order.STOP_FIRST))
    verbs = [verb for verb, _ in engine.calls]
    assert (run.end.phase, verbs) == (Phase.DONE, ["stop", "unload", "start", "destroy"])


def test_a_failed_stop_first_starts_the_old_ones_again() -> None:
    engine = sim({names(NEW, 2)[0]: Fate.FAILS}, old=2)
    run = deploy(engine, 2, policy=Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, engine.running("carousel", OLD), engine.running("carousel", NEW)) == (Phase.FAILED, 2, 0)


def test_batches_replace_as_many_as_they_start() -> None:
    engine = sim(old=4)
    run = deploy(engine, 4, batch=2)
    batches = [names(OLD, 2), names(OLD, 4)[2:]]
    assert [event.names for event in run.told if isinstance(event, events.Parking)] == batches
    assert (run.end.phase, run.fewest, set(engine.lives)) == (Phase.DONE, 4, set(names(NEW, 4)))


def test_a_later_batch_that_fails_brings_back_what_the_first_one_parked() -> None:
    engine = sim({names(NEW, 4)[3]: Fate.FAILS}, old=4)
    run = deploy(engine, 4, batch=2)
    assert (run.end.phase, engine.running("carousel", OLD), run.fewest) == (Phase.FAILED, 4, 4)
    assert set(engine.lives) == set(names(OLD, 4))


def test_what_a_batch_has_stopped_makes_room_on_its_machines_for_the_next_batch() -> None:
    engine = sim(old=4)
    deploy(engine, 4, batch=2)
    verbs = [verb for verb, _ in engine.calls]
    assert verbs == ["start", "stop", "unload", "start", "stop", "destroy"]
    assert asked(engine, "unload") == [names(OLD, 2)]


def test_destroy_stops_then_destroys_and_waits_until_gone() -> None:
    engine = sim(old=2)
    run = go(engine, plan_destroy("carousel", OLD, engine.units()))
    assert (run.end.phase, [verb for verb, _ in engine.calls]) == (Phase.DONE, ["stop", "destroy"])
    assert not engine.lives
    assert not engine.leaving


def asked(engine: SimEngine, verb: str) -> list[tuple[UnitName, ...]]:
    return [names for at, names in engine.calls if at == verb]


def test_units_that_stop_nearly_together_are_destroyed_in_one_request() -> None:
    engine = sim(old=3, stop_delay=0.5, stops_late={names(OLD, 3)[1]: 1.5})
    go(engine, plan_destroy("carousel", OLD, engine.units()))
    assert asked(engine, "destroy") == [names(OLD, 3)]


def test_a_unit_that_is_long_in_stopping_does_not_keep_the_others() -> None:
    first, slow, last = names(OLD, 3)
    engine = sim(old=3, stop_delay=0.5, stops_late={slow: 60})
    go(engine, plan_destroy("carousel", OLD, engine.units()))
    assert asked(engine, "destroy") == [(first, last), (slow,)]


def test_what_is_gone_is_told_once_and_in_order() -> None:
    *others, slow = names(OLD, 12)
    engine = sim(old=12, stops_late={slow: 30})
    run = go(engine, plan_destroy("carousel", OLD, engine.units()))
    assert [(event.name, event.parked) for event in run.of(events.Gone)] == [(name, False) for name in (*others, slow)]


def test_units_that_are_parked_nearly_together_are_unloaded_in_one_request() -> None:
    engine = sim(old=3, stop_delay=0.5, stops_late={names(OLD, 3)[1]: 1.5})
    deploy(engine, 3, policy=Policy(order=Order.STOP_FIRST))
    assert asked(engine, "unload") == [names(OLD, 3)]


def test_what_has_stopped_is_destroyed_after_three_seconds_whatever_the_others_do() -> None:
    here, slow = names(OLD, 2)
    running = [listed(name, State.LAUNCHED, State.LAUNCHED, "active") for name in (here, slow)]
    asked, _, _ = advance(begin(plan_destroy("carousel", OLD, running), Traits(), 0)[0], running, 0)
    units = [
        listed(here, State.LOADED, State.LOADED, "inactive"),
        listed(slow, State.LOADED, State.LOADED, "deactivating"),
    ]
    assert advance(asked, units, 2.9)[1] == ()
    assert advance(asked, units, 3)[1] == (Action(Verb.DESTROY, (here,)),)


def test_what_was_seen_for_the_plan_is_not_looked_at_again() -> None:
    engine = sim(old=1)
    plan = plan_destroy("carousel", OLD, engine.units())
    looks: list[tuple[int, list[object]]] = []

    def tell(event: events.Event) -> None:
        if isinstance(event, events.Changed):
            looks.append((engine.looks, list(engine.calls)))

    before = engine.looks + 1
    drive(engine, RolloutSpec(plan), engine.clock, NoLock(), tell, seen=engine.units())
    # planning looked, then ``stop`` was asked for without another look, and then one look saw it stopping
    assert looks[0] == (before + 2, [("stop", names(OLD, 1))])


def test_a_long_wait_is_not_looked_at_more_than_once_a_second() -> None:
    engine = sim({names(NEW, 1)[0]: Fate.NOWHERE})
    deploy(engine, 1, policy=Policy(timeout=300))
    assert engine.looks < 330


def test_what_is_up_is_seen_to_be_within_a_part_of_the_time_it_took() -> None:
    engine = sim(place_delay=2.1, start_delay=1.05)
    deploy(engine, 1, policy=Policy(settle=0))
    assert engine.clock.now() - 3.15 < 3.15 / 7


def test_where_a_look_takes_seconds_the_one_behind_a_request_is_not_made_too_early_to_see_anything() -> None:
    class Slow(SimEngine):
        def units(self) -> tuple[Unit, ...]:
            self.clock.sleep(2)
            return super().units()

    clock = WatchedClock()
    engine = clock.engine = Slow(clock, stop_delay=2.5, leave_delay=0)
    engine.add_running(*names(OLD, 1))
    go(engine, plan_destroy("carousel", OLD, SimEngine.units(engine)))
    assert (engine.lives, clock.now()) == ({}, 11)


def test_a_batch_that_is_up_is_ready_when_it_has_settled_and_not_some_looks_later() -> None:
    run = deploy(sim(place_delay=2, start_delay=1), 1, policy=Policy(settle=4))
    up, ready = (
        next(event.seconds for event in run.told if isinstance(event, kind) and event.unit.sub == "running")
        for kind in (events.Changed, events.Ready)
    )
    assert 4 <= ready - up < 4.1


def test_a_unit_that_will_not_go_is_told_of_and_the_new_release_stays() -> None:
    engine = sim(old=1, leave_delay=10_000)
    run = deploy(engine, 1, policy=Policy(timeout=30))
    assert (run.end.phase, run.end.left) == (Phase.FAILED, names(OLD, 1))
    assert engine.running("carousel", NEW) == 1


def test_a_change_of_condition_is_told_once() -> None:
    run = deploy(sim(), 1)
    seen = [event.unit.condition for event in run.told if isinstance(event, events.Changed)]
    assert seen == [Condition.WAITING, Condition.STARTING, Condition.RUNNING]


fates = st.sampled_from(
    [Fate.RUNS] * 6 + [Fate.FAILS, Fate.LOOPS, Fate.RECOVERS, Fate.ENDS, Fate.NOWHERE, Fate.REFUSED]
)
delays = st.floats(0.1, 12)
single = st.frozensets(st.integers(2, 90), max_size=40)
stretch = st.builds(lambda first, many: frozenset(range(first, first + many)), st.integers(2, 60), st.integers(0, 30))
looks = st.one_of(single, stretch, st.builds(frozenset.union, single, stretch))


@st.composite
def troubles(draw: st.DrawFn) -> tuple[SimEngine, int, int | None, Order]:
    """An engine with old instances and trouble ahead, how many are wanted, the batch size and the order."""
    old = draw(st.integers(0, 4))
    count = draw(st.integers(max(1, old), 5))
    chosen = {name: draw(fates) for name in names(NEW, count)}
    engine = sim(
        chosen,
        old=old,
        place_delay=draw(delays),
        start_delay=draw(delays),
        stop_delay=draw(delays),
        leave_delay=draw(delays),
        lost_rows=draw(looks),
        outages=draw(looks),
        stops_late=draw(st.dictionaries(st.sampled_from(names(OLD, 4) + names(NEW, 5)), delays, max_size=3)),
    )
    return engine, count, draw(st.none() | st.integers(1, 5)), draw(st.sampled_from(Order))


@settings(max_examples=400, deadline=None)
@given(troubles())
def test_whatever_goes_wrong_every_run_ends_in_all_new_or_all_old(
    trouble: tuple[SimEngine, int, int | None, Order],
) -> None:
    engine, count, batch, order = trouble
    old, engine_outages = len(engine.lives), engine.outages
    engine.outages = ()
    change = wanted("carousel", NEW, count, True, batch, policy=Policy(timeout=120, order=order, settle=5))
    plan = plan_deploy(change, engine.units(), ())
    engine.outages = engine_outages
    run = go(engine, plan)
    truth = (engine.running("carousel", OLD), engine.running("carousel", NEW))
    assert truth == ((0, count) if run.end.phase is Phase.DONE else (old, 0))
    assert set(engine.lives) == set(names(NEW, count) if run.end.phase is Phase.DONE else names(OLD, old))
    if order is Order.START_FIRST:
        assert run.fewest >= old


def test_a_failed_stop_first_starts_only_those_again_that_had_been_up() -> None:
    engine = sim({names(NEW, 1)[0]: Fate.FAILS}, old=2)
    engine.lives[names(OLD, 2)[1]].desired = State.INACTIVE
    run = deploy(engine, 1, policy=Policy(order=Order.STOP_FIRST))
    assert run.of(events.Restoring) == [events.Restoring(names(OLD, 1))]
    assert (run.end.phase, engine.running("carousel", OLD)) == (Phase.FAILED, 1)


@pytest.mark.parametrize("before", [3, 4])
def test_where_what_was_there_suffices_and_only_a_new_instance_fails_nothing_else_is_changed(before: int) -> None:
    engine = sim({names(NEW, 4)[3]: Fate.FAILS}, old=3)
    engine.add_running(*names(NEW, 3))
    for name in names(OLD, 3):
        engine.lives[name].desired = State.INACTIVE
    units = engine.units()
    plan = plan_deploy(wanted("carousel", NEW, 4, True), units, names(NEW, 3))
    plan = replace(plan, instances=Instances(4, "asked for", before))
    run = go(engine, replace(plan, halted=halted(plan, units, names(OLD, 3))))
    assert (run.end.phase, engine.running("carousel", NEW)) == (Phase.FAILED, 3)
    assert engine.running("carousel", OLD) == (0 if before == 3 else 3)


def test_fewer_instances_stop_first_tell_of_no_start() -> None:
    engine = sim(old=2)
    change = wanted("carousel", OLD, 1, policy=Policy(order=Order.STOP_FIRST))
    run = go(engine, plan_deploy(change, engine.units(), names(OLD, 2)))
    assert (run.end.phase, run.of(events.Starting), engine.running("carousel", OLD)) == (Phase.DONE, [], 1)


def test_a_first_deploy_stop_first_tells_of_no_stopping() -> None:
    run = deploy(sim(), 1, policy=Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, run.of(events.Parking)) == (Phase.DONE, [])


@pytest.mark.parametrize(("settle", "told"), [(0, []), (3, [events.Settling(names(NEW, 1), 3)])])
def test_that_what_runs_already_has_to_settle_is_told_where_it_has_to(
    settle: float, told: list[events.Settling]
) -> None:
    engine = sim(old=1)
    engine.add_running(*names(NEW, 1))
    run = deploy(engine, 1, policy=Policy(settle=settle))
    assert (run.end.phase, run.of(events.Settling)[:1]) == (Phase.DONE, told)


def listed(name: UnitName, desired: State, current: State, active: str) -> Unit:
    sub = {"inactive": "dead", "active": "running"}.get(active, active)
    return Unit(name, desired, current, "loaded", active, sub, HOST)


def test_an_old_instance_has_made_room_once_its_machine_has_let_go_of_it() -> None:
    (old,) = names(OLD, 1)
    change = wanted("carousel", NEW, 1, True, policy=Policy(order=Order.STOP_FIRST))
    start, _ = begin(plan_deploy(change, [listed(old, State.LAUNCHED, State.LAUNCHED, "active")], ()), Traits(), 0)
    held = advance(start, [listed(old, State.INACTIVE, State.LOADED, "inactive")], 1)[0]
    assert held.phase is Phase.STOPPING_OLD
    assert advance(held, [Unit(old, State.INACTIVE, State.INACTIVE)], 2)[0].phase is Phase.STARTING


def restoring(*old: UnitName) -> Rollout:
    plan = Plan("carousel", NEW, (Step(names(NEW, 1), (), old),), policy=Policy(order=Order.STOP_FIRST))
    up = dict.fromkeys(old, Condition.RUNNING)
    failure = Failure(Reason.FAILED, names(NEW, 1))
    state = Rollout(plan, step=0, parked=old, old=up, started=names(NEW, 1), failure=failure)
    return enter(state, Phase.RESTORING, 0)[0]


def test_an_old_instance_that_somebody_destroyed_is_not_started_again() -> None:
    here, gone = names(OLD, 2)
    stopped = [listed(here, State.LOADED, State.LOADED, "inactive")]
    _, actions, _ = advance(restoring(here, gone), stopped, 1, Listing.PROVEN)
    assert actions == (Action(Verb.RESUME, (here,)),)


def test_an_old_instance_that_still_shows_how_it_was_stopped_may_come_back() -> None:
    (old,) = names(OLD, 1)
    asked = advance(restoring(old), [listed(old, State.LOADED, State.LOADED, "failed")], 1)[0]
    died_of_the_stop = [listed(old, State.LAUNCHED, State.LAUNCHED, "failed")]
    waiting = advance(asked, died_of_the_stop, 1 + 9.9)[0]
    assert waiting.phase is Phase.RESTORING
    assert advance(waiting, died_of_the_stop, 1 + 10)[0].left == (old,)


def test_an_old_instance_that_will_not_come_back_ends_the_restoring() -> None:
    engine = sim({names(NEW, 1)[0]: Fate.FAILS, names(OLD, 1)[0]: Fate.FAILS}, old=1)
    run = deploy(engine, 1, policy=Policy(order=Order.STOP_FIRST))
    assert (run.end.phase, run.end.left) == (Phase.FAILED, names(OLD, 1))
    assert engine.clock.now() < 60


def test_new_instances_stay_where_the_old_ones_will_not_come_back() -> None:
    engine = sim({names(NEW, 2)[1]: Fate.FAILS, names(OLD, 2)[0]: Fate.FAILS}, old=2)
    run = deploy(engine, 2, batch=1)
    assert (run.end.phase, run.end.left) == (Phase.FAILED, names(NEW, 2))
    assert engine.running("carousel", NEW) == 1


def test_an_old_instance_that_will_not_stop_is_no_reason_to_leave_others_stopped() -> None:
    engine = sim(old=1, stop_delay=10_000)
    run = deploy(engine, 1, policy=Policy(order=Order.STOP_FIRST, timeout=20))
    assert run.end.failure is not None
    assert run.end.failure.reason is Reason.NOT_GONE
    assert [verb for verb, _ in engine.calls][:2] == ["stop", "stop"]


def test_with_start_first_an_old_instance_that_will_not_stop_leaves_the_new_ones_up() -> None:
    engine = sim(old=2, stop_delay=10_000)
    run = deploy(engine, 2, batch=1, policy=Policy(timeout=20))
    assert (run.end.phase, run.end.left, engine.running("carousel", NEW)) == (Phase.FAILED, names(OLD, 1), 1)


def test_new_instances_that_will_not_go_again_are_told_of() -> None:
    engine = sim({names(NEW, 1)[0]: Fate.FAILS}, old=1, leave_delay=10_000)
    run = deploy(engine, 1, policy=Policy(timeout=20))
    assert (run.end.phase, run.end.left) == (Phase.FAILED, names(NEW, 1))
    assert run.end.failure is not None
    assert run.end.failure.reason is Reason.FAILED


def test_a_refused_stop_of_a_destroy_leaves_nothing_to_undo() -> None:
    engine = sim(old=1)
    plan = plan_destroy("carousel", OLD, engine.units(), policy=Policy(order=Order.STOP_FIRST))
    start, _ = begin(plan, Traits(), 0)
    rollout, actions, _ = advance(start, engine.units(), 0)
    ended, told = refused(rollout, actions[0], "no", 0, final=True)
    assert (ended.phase, ended.left, [type(event) for event in told]) == (Phase.FAILED, names(OLD, 1), [events.Failed])


def test_a_refusal_before_anything_was_started_has_nothing_to_undo() -> None:
    engine = sim(old=1)
    engine.lives[names(OLD, 1)[0]].desired = State.LOADED
    change = wanted("carousel", NEW, 1, True, policy=Policy(order=Order.STOP_FIRST))
    start, _ = begin(plan_deploy(change, engine.units(), ()), Traits(), 0)
    rollout, actions, _ = advance(start, engine.units(), 0)
    assert refused(rollout, actions[0], "no", 0, final=True)[0].phase is Phase.FAILED


def test_a_rollout_that_is_over_stays_over() -> None:
    engine = sim(old=1)
    end = deploy(engine, 1).end
    assert (end.working_on, advance(end, engine.units(), end.looked)) == ((), (end, (), ()))


def test_a_unit_that_is_missing_from_a_listing_with_gaps_is_believed_gone_of_the_next_one() -> None:
    engine = sim(old=2)
    other, _ = names(OLD, 2)
    start, _ = begin(plan_destroy("carousel", OLD, engine.units(), [2]), Traits(), 0)
    whole = tuple(unit for unit in engine.units() if unit.name == other)
    gaps = tuple(unit._replace(load="", active="", sub="", machine=None) for unit in whole)
    assert advance(start, whole, 0, Listing.PROVEN)[0].phase is Phase.DONE
    rollout, _, _ = advance(start, gaps, 0, Listing.PROVEN)
    assert rollout.phase is Phase.RETIRING
    assert advance(rollout, gaps, 1, Listing.PROVEN)[0].phase is Phase.DONE


class Killed(Exception):
    """kill -9: nothing is cleaned up."""


class MortalClock(WatchedClock):
    """Dies at some moments."""

    deaths: list[float]

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.deaths and self.at >= self.deaths[0]:
            self.deaths.pop(0)
            raise Killed


@settings(max_examples=200, deadline=None)
@given(
    old=st.integers(0, 4),
    extra=st.integers(0, 2),
    batch=st.none() | st.integers(1, 4),
    order=st.sampled_from(Order),
    fortune=st.tuples(st.lists(st.floats(0, 60), max_size=4).map(sorted), delays, delays, delays, delays),
)
def test_killed_at_any_moment_the_same_command_again_finishes_the_job(
    old: int, extra: int, batch: int | None, order: Order, fortune: tuple[list[float], float, float, float, float]
) -> None:
    clock = MortalClock()
    deaths, place, start, stop, leave = fortune
    clock.deaths = deaths
    engine = SimEngine(clock, place_delay=place, start_delay=start, stop_delay=stop, leave_delay=leave)
    clock.engine = engine
    engine.add_running(*names(OLD, old))
    count = max(1, old) + extra
    change = wanted("carousel", NEW, count, True, batch, policy=Policy(order=order, settle=2))
    for _ in range(len(deaths) + 1):
        plan = plan_deploy(change, engine.units(), [n for n in engine.lives if n.version == NEW])
        try:
            run = go(engine, plan)
            break
        except Killed:
            continue
    assert run.end.phase is Phase.DONE
    assert (engine.running("carousel", OLD), engine.running("carousel", NEW)) == (0, count)
    assert all(name.version == NEW for name in engine.lives)
    assert len(engine.lives) == count
    if order is Order.START_FIRST:
        assert run.fewest >= old


@settings(max_examples=200, deadline=None)
@given(
    old=st.integers(1, 4),
    batch=st.none() | st.integers(1, 4),
    death=st.floats(0, 40),
    order=st.sampled_from(Order),
    fate=st.sampled_from([Fate.FAILS, Fate.LOOPS, Fate.ENDS]),
)
def test_killed_and_failing_when_run_again_as_many_of_the_earlier_release_run_as_before(
    old: int, batch: int | None, death: float, order: Order, fate: Fate
) -> None:
    clock = MortalClock()
    clock.deaths = [death]
    engine = clock.engine = SimEngine(clock)
    engine.add_running(*names(OLD, old))
    change = wanted("carousel", NEW, old, True, batch, policy=Policy(order=order, settle=2))
    noted = list[UnitName]()
    with suppress(Killed):
        go(engine, plan_deploy(change, engine.units(), []), stops=noted.extend)
    assume(not clock.deaths and set(names(OLD, old)) <= set(engine.lives))
    engine.fates = dict.fromkeys(names(NEW, 2 * old), fate)
    for name in [name for name in engine.lives if name.version == NEW]:
        engine.lives[name].fate, engine.lives[name].up = fate, clock.at
    units = engine.units()
    plan = replace(plan_deploy(change, units, [u.name for u in units]), instances=Instances(old, "asked for"))
    run = go(engine, replace(plan, halted=halted(plan, units, noted)))
    assert run.end.phase is Phase.FAILED
    assert engine.running("carousel", OLD) == old


def test_before_the_first_is_stopped_it_is_noted_once_which_were_up() -> None:
    engine, noted = sim(old=3), list[Sequence[UnitName]]()
    engine.lives[names(OLD, 3)[2]].desired = State.INACTIVE
    plan = plan_deploy(wanted("carousel", NEW, 3, True, 1), engine.units(), [])
    go(engine, plan, stops=lambda names: noted.append(tuple(names)))
    assert list(map(sorted, noted)) == [list(names(OLD, 2))]
    assert not [call for call in engine.calls[: engine.calls.index(("stop", (names(OLD, 1)[0],)))] if call[0] == "stop"]


def test_what_is_destroyed_only_is_not_noted() -> None:
    engine, noted = sim(old=2), list[Sequence[UnitName]]()
    go(engine, plan_destroy("carousel", OLD, engine.units()), stops=lambda names: noted.append(tuple(names)))
    assert (noted, engine.lives) == ([], {})


def test_an_old_instance_that_died_by_itself_meanwhile_is_not_brought_back() -> None:
    died, stays = names(OLD, 2)
    up = [listed(name, State.LAUNCHED, State.LAUNCHED, "active") for name in (died, stays)]
    start, _ = begin(plan_deploy(wanted("carousel", NEW, 1, True), up, ()), Traits(), 0)
    seen, _, _ = advance(start, up, 1, Listing.PROVEN)
    assert set(seen.old) == {died, stays}
    failed = [listed(died, State.LAUNCHED, State.LAUNCHED, "failed"), up[1]]
    assert set(advance(seen, failed, 2, Listing.PROVEN)[0].old) == {stays}


def test_what_was_put_in_and_not_told_to_run_is_started() -> None:
    first, second = names(NEW, 2)
    plan = Plan("carousel", NEW, (Step((first, second)),))
    start = begin(plan, Traits(), 0)[0]
    there = [listed(first, State.LOADED, State.LOADED, "inactive"), listed(second, State.LAUNCHED, State.LOADED, "")]
    assert advance(start, there, 1, Listing.PROVEN)[1] == (Action(Verb.START, (first,)),)


def test_of_those_that_will_not_go_the_first_is_told_of() -> None:
    engine = sim(old=2, stop_delay=10_000)
    run = deploy(engine, 1, policy=Policy(timeout=20))
    assert run.end.failure is not None
    assert run.end.failure.unit is not None
    assert (run.end.failure.names, run.end.failure.unit.name) == (names(OLD, 2), names(OLD, 1)[0])
