"""How long a rollout waits for each thing, and what it tells of the time: look by look, to the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain import events
from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Failure
from deployster_cli.domain.rollout.looks import with_the_old
from deployster_cli.domain.rollout.machine import advance, away, begin, condemned, refused, unanswered
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.state import Action, Listing, Phase, Rollout, Verb, back, enter
from deployster_cli.domain.rollout.tracking import Reason, Track, Traits
from deployster_cli.domain.units.model import Condition, Machine, OnFailure, Order, State, Unit
from deployster_cli.domain.units.names import UnitName
from tests.simulation import HOST

OLD = UnitName("carousel", "v1", 1)
NEW, SECOND = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)
START = Action(Verb.START, (NEW,))
ASKED_AT = 100.0


def unit(name: UnitName, active: str = "active", desired: State = State.LAUNCHED) -> Unit:
    current = desired if active else State.INACTIVE
    sub = {"active": "running", "inactive": "dead"}.get(active, active)
    return Unit(name, desired, current, "loaded" if active else "", active, sub if active else "", HOST)


def starting(*new: UnitName, settle: float = 3, timeout: float = 60, retire: tuple[UnitName, ...] = ()) -> Rollout:
    """A rollout that has just asked for the new ones, at ASKED_AT."""
    plan = Plan("carousel", "v2", (Step(new or (NEW,), retire=retire),), policy=Policy(timeout=timeout, settle=settle))
    return advance(begin(plan, Traits(), ASKED_AT)[0], (), ASKED_AT)[0]


def test_what_had_no_effect_is_asked_for_again_after_15_seconds() -> None:
    rollout = starting()
    assert advance(rollout, (), ASKED_AT + 14.9)[1] == ()
    assert advance(rollout, (), ASKED_AT + 15)[1] == (START,)


def test_what_was_there_and_is_listed_no_more_is_not_put_in_anew() -> None:
    """Somebody has taken it away, and its machine may still be stopping it."""
    seen = advance(starting(), [unit(NEW, "activating")], ASKED_AT + 1)[0]
    assert advance(seen, (), ASKED_AT + 20)[1] == ()


def test_only_that_of_which_the_request_is_due_is_asked_for_again() -> None:
    later = advance(starting(NEW, SECOND), [unit(SECOND, desired=State.LOADED)], ASKED_AT + 15)[1]
    assert later == (Action(Verb.START, (NEW, SECOND)),)
    rollout = unanswered(starting(NEW, SECOND), Action(Verb.START, (SECOND,)))
    assert advance(rollout, (), ASKED_AT + 1)[1] == (Action(Verb.START, (SECOND,)),)


def test_what_was_refused_is_asked_for_again_after_2_seconds_and_fails_the_third_time() -> None:
    rollout, told = refused(starting(), START, "no", ASKED_AT + 1)
    assert told == ()
    assert advance(rollout, (), ASKED_AT + 2.9)[1] == ()
    assert advance(rollout, (), ASKED_AT + 3)[1] == (START,)
    rollout, told = refused(rollout, START, "no", ASKED_AT + 3)
    assert told == ()
    rollout, told = refused(rollout, START, "never", ASKED_AT + 5)
    assert told[0] == events.Failed(Failure(Reason.REFUSED, (NEW,), text="never"))


def test_each_kind_of_request_has_its_refusals_counted_alone() -> None:
    rollout, _ = refused(starting(), START, "no", ASKED_AT)
    for verb in (Verb.STOP, Verb.UNLOAD):
        rollout, told = refused(rollout, Action(verb, (OLD,)), "no", ASKED_AT)
        assert told == ()
    assert rollout.refusals == {Verb.START: 1, Verb.STOP: 1, Verb.UNLOAD: 1}


def test_the_time_limit_is_over_when_more_than_it_has_passed_without_progress() -> None:
    rollout = advance(starting(timeout=30), [unit(NEW, "activating")], ASKED_AT + 10)[0]
    assert advance(rollout, [unit(NEW, "activating")], ASKED_AT + 40)[0].failure is None
    late, _, told = advance(rollout, [unit(NEW, "activating")], ASKED_AT + 40.1)
    assert late.failure == Failure(Reason.NOT_YET, (NEW,), unit(NEW, "activating"))
    assert events.Failed(late.failure) in told


def test_of_several_that_are_not_up_in_time_the_first_is_told_of_or_one_on_no_machine() -> None:
    waiting = [unit(NEW, "activating"), unit(SECOND, "activating")]
    late = advance(starting(NEW, SECOND, timeout=30), waiting, ASKED_AT + 1)[0]
    late = advance(late, waiting, ASKED_AT + 32)[0]
    assert late.failure == Failure(Reason.NOT_YET, (NEW, SECOND), waiting[0])
    third = UnitName("carousel", "v2", 3)
    nowhere = [Unit(name, State.LAUNCHED, State.INACTIVE) for name in (SECOND, third)]
    late = advance(starting(NEW, SECOND, third, timeout=30), [waiting[0], *nowhere], ASKED_AT + 1)[0]
    late = advance(late, [waiting[0], *nowhere], ASKED_AT + 32)[0]
    assert late.failure == Failure(Reason.NO_MACHINE, (SECOND, third), nowhere[0])


def test_what_is_up_is_not_among_those_that_did_not_come_up_in_time() -> None:
    there = [unit(NEW), unit(SECOND, "activating")]
    late = advance(starting(NEW, SECOND, settle=5, timeout=30), there, ASKED_AT + 1)[0]
    late = advance(late, there, ASKED_AT + 32)[0]
    assert late.failure == Failure(Reason.NOT_YET, (SECOND,), there[1])


def test_a_change_and_that_it_is_ready_are_told_with_the_seconds_since_it_was_asked_for() -> None:
    rollout, _, told = advance(starting(settle=3), [unit(NEW)], ASKED_AT + 4)
    assert told == (events.Changed(unit(NEW), 4),)
    told = advance(rollout, [unit(NEW)], ASKED_AT + 7)[2]
    assert told[0] == events.Ready(unit(NEW), 7)


def test_each_is_told_to_be_ready_once() -> None:
    first = advance(starting(NEW, SECOND), [unit(NEW)], ASKED_AT + 1)[0]
    ready, _, told = advance(first, [unit(NEW), unit(SECOND)], ASKED_AT + 4)
    assert [event.unit.name for event in told if isinstance(event, events.Ready)] == [NEW]
    told = advance(ready, [unit(NEW), unit(SECOND)], ASKED_AT + 7)[2]
    assert [event.unit.name for event in told if isinstance(event, events.Ready)] == [SECOND]


def test_how_long_the_engine_was_away_is_told_when_it_is_back() -> None:
    rollout, told = away(starting(), "no route", ASKED_AT + 5)
    assert told == (events.EngineAway("no route"),)
    rollout, told = away(rollout, "no route", ASKED_AT + 6)
    assert told == ()
    rollout, _, told = advance(rollout, (), ASKED_AT + 12)
    assert told == (events.EngineBack(7),)
    assert advance(rollout, (), ASKED_AT + 13)[2] == ()


def test_an_engine_that_stays_away_is_the_failure_unless_there_is_one_already() -> None:
    ended, told = away(starting(timeout=30), "no route", ASKED_AT + 31)
    assert (ended.phase, ended.left, ended.failure) == (Phase.FAILED, (NEW,), Failure(Reason.AWAY, text="no route"))
    assert told[-1] == events.Failed(Failure(Reason.AWAY, text="no route"))
    first = Failure(Reason.FAILED, (NEW,))
    ended, told = away(replace(starting(timeout=30), failure=first), "no route", ASKED_AT + 31)
    assert (ended.failure, told) == (first, (events.EngineAway("no route"),))


def test_what_a_journal_tells_of_a_rollout_that_has_failed_is_no_second_failure() -> None:
    first, second = Failure(Reason.FAILED, (NEW,)), Failure(Reason.UNHEALTHY, (NEW,))
    failed = replace(starting(), failure=first)
    assert condemned(failed, second, ASKED_AT + 1) == (failed, ())
    done = replace(starting(), phase=Phase.DONE)
    assert condemned(done, second, ASKED_AT + 1) == (done, ())


def test_a_listing_with_gaps_tells_of_what_it_lists_all_the_same() -> None:
    rollout = advance(starting(settle=0), [unit(NEW)], ASKED_AT + 1, Listing.SHORT)[0]
    assert rollout.phase is Phase.DONE


def test_nothing_is_put_in_on_the_word_of_a_listing_with_gaps() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,)),))
    assert advance(begin(plan, Traits(), 0)[0], (), 0, Listing.SHORT)[1] == ()


def before(*seen: Unit, **changes: object) -> Rollout:
    """A rollout that has begun to start the new one and has seen these earlier ones."""
    rollout = replace(starting(retire=tuple(each.name for each in seen)), **changes)  # type: ignore[arg-type]
    return with_the_old(rollout, {each.name: each for each in seen})


@pytest.mark.parametrize(
    ("old", "condition"),
    [
        (unit(OLD), Condition.RUNNING),
        (unit(OLD, "activating"), Condition.STARTING),
        (unit(OLD, "failed"), None),
        (unit(OLD, "inactive"), None),
        (unit(OLD, "active", State.LOADED), None),
        (Unit(OLD, State.LAUNCHED, State.INACTIVE), Condition.WAITING),
        (Unit(OLD, State.LAUNCHED, State.LAUNCHED, machine=HOST), Condition.UNKNOWN),
        (Unit(OLD, State.LAUNCHED, everywhere=True), Condition.UNKNOWN),
        (unit(OLD)._replace(everywhere=True), Condition.RUNNING),
    ],
)
def test_what_an_earlier_instance_was_doing_before_it_was_stopped(old: Unit, condition: Condition | None) -> None:
    assert before(old).old.get(OLD) is condition


def test_what_a_listing_with_gaps_lacks_of_the_earlier_ones_is_not_forgotten() -> None:
    seen = before(unit(OLD))
    assert with_the_old(replace(seen, listing=Listing.SHORT), {}) == replace(seen, listing=Listing.SHORT)
    assert with_the_old(replace(seen, listing=Listing.PROVEN), {}).old == {OLD: Condition.RUNNING}


def test_which_of_the_earlier_ones_serve_is_that_of_the_last_look_and_which_did_of_the_first() -> None:
    seen = before(unit(OLD), served=None)
    assert (seen.served, seen.serving) == (frozenset({OLD}), frozenset({OLD}))
    fell = with_the_old(seen, {OLD: unit(OLD, "failed")})
    assert (fell.served, fell.serving) == (frozenset({OLD}), frozenset())


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.SETTLING])
def test_an_earlier_instance_that_somebody_stops_before_it_was_its_turn_is_not_one_to_come_back(phase: Phase) -> None:
    seen = replace(before(unit(OLD)), phase=phase)
    assert with_the_old(seen, {OLD: unit(OLD, "inactive", State.LOADED)}).old == {}


@pytest.mark.parametrize("changes", [{"asked": {(Verb.STOP, OLD): ASKED_AT}}, {"parked": (OLD,)}])
def test_what_was_asked_to_stop_is_one_to_come_back_however_it_looks_then(changes: dict[str, object]) -> None:
    asked = replace(before(unit(OLD)), **changes)  # type: ignore[arg-type]
    assert with_the_old(asked, {OLD: unit(OLD, "activating")}).old == {OLD: Condition.RUNNING}


def test_so_is_what_may_have_been_asked_to_stop() -> None:
    """A stop that nobody answered is noted as not asked for."""
    maybe = replace(before(unit(OLD)), phase=Phase.STOPPING_OLD)
    assert with_the_old(maybe, {OLD: unit(OLD, "inactive", State.LOADED)}).old == {OLD: Condition.RUNNING}
    assert with_the_old(maybe, {}).old == {OLD: Condition.RUNNING}


def test_that_another_verb_was_asked_of_it_is_no_stop() -> None:
    seen = replace(before(unit(OLD)), asked={(Verb.RESUME, OLD): ASKED_AT})
    assert with_the_old(seen, {OLD: unit(OLD, "activating")}).old == {OLD: Condition.STARTING}


def parking(*old: UnitName, order: Order = Order.START_FIRST, new: tuple[UnitName, ...] = ()) -> Rollout:
    """A rollout that has just asked for the earlier ones to stop, at ASKED_AT."""
    plan = Plan("carousel", "v2", (Step(new, retire=old),), keep=(NEW,), policy=Policy(order=order))
    rollout = begin(plan, Traits(), ASKED_AT - 9)[0]
    kept = advance(rollout, [unit(NEW), *map(unit, old)], ASKED_AT - 8)[0]
    return advance(kept, [unit(NEW), *map(unit, old)], ASKED_AT)[0]


def test_an_earlier_one_is_told_to_have_stopped_once_with_the_seconds_that_it_took() -> None:
    other = OLD._replace(instance=2)
    rollout = parking(OLD, other)
    assert rollout.phase is Phase.STOPPING_OLD
    off = unit(OLD, "inactive", State.LOADED)
    rollout, _, told = advance(rollout, [unit(NEW), off, unit(other, "deactivating")], ASKED_AT + 2)
    assert [event for event in told if isinstance(event, events.Gone)] == [events.Gone(OLD, 2, parked=True)]
    told = advance(rollout, [unit(NEW), off, unit(other, "inactive", State.LOADED)], ASKED_AT + 5)[2]
    assert [event for event in told if isinstance(event, events.Gone)] == [events.Gone(other, 5, parked=True)]


def test_nothing_is_asked_of_a_machine_that_does_not_answer() -> None:
    plan = Plan("carousel", "v1", (Step(retire=(OLD,)),))
    silent = unit(OLD)._replace(machine=Machine("m1", silent=True))
    assert advance(begin(plan, Traits(), 0)[0], [silent], 0)[1] == ()


def test_a_restored_instance_that_waits_for_a_machine_as_it_did_before_is_not_waited_for() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),), policy=Policy(order=Order.STOP_FIRST))
    state = Rollout(plan, step=0, parked=(OLD,), old={OLD: Condition.WAITING}, failure=Failure(Reason.FAILED, (NEW,)))
    rollout = enter(state, Phase.RESTORING, 0)[0]
    assert advance(rollout, [Unit(OLD, State.LAUNCHED, State.INACTIVE)], 1)[0].phase is Phase.FAILED


OTHERS = (OLD, UnitName("carousel", "v2", 7))


@pytest.mark.parametrize(("retire", "first"), [(OTHERS, Phase.STARTING), (OTHERS[1:], Phase.STOPPING_OLD)])
def test_what_runs_already_has_to_stand_before_anything_of_another_release_stops(
    retire: tuple[UnitName, ...], first: Phase
) -> None:
    plan = Plan("carousel", "v2", (Step(retire=retire),), keep=(NEW,))
    assert begin(plan, Traits(), 0)[0].phase is first


def test_the_earlier_ones_are_not_destroyed_before_all_of_the_new_ones_stand() -> None:
    plan = Plan("carousel", "v2", (Step((NEW, SECOND), retire=(OLD,)),), policy=Policy(settle=3))
    state = Rollout(plan, step=0, started=(NEW, SECOND), parked=(OLD,))
    off = unit(OLD, "inactive", State.LOADED)
    settling = enter(state, Phase.SETTLING, 0)[0]
    for now in (1, 5):
        settling = advance(settling, [unit(NEW), unit(SECOND, "activating"), off], now)[0]
    assert settling.phase is Phase.SETTLING
    up = [unit(NEW), unit(SECOND), off]
    settling = advance(settling, up, 6)[0]
    assert [advance(settling, up, now)[0].phase for now in (8.9, 9)] == [Phase.SETTLING, Phase.RETIRING]


@pytest.mark.parametrize(
    ("order", "started", "parked", "alone"),
    [
        (Order.START_FIRST, (NEW,), (OLD,), True),
        (Order.START_FIRST, (), (OLD,), True),
        (Order.START_FIRST, (NEW,), (SECOND,), True),
        (Order.START_FIRST, (), (SECOND,), False),
        (Order.START_FIRST, (), (SECOND, OLD), True),
        (Order.START_FIRST, (NEW,), (), False),
        (Order.STOP_FIRST, (NEW,), (OLD,), False),
        (Order.STOP_FIRST, (), (OLD,), True),
        (Order.STOP_FIRST, (), (SECOND,), False),
    ],
)
def test_the_new_ones_stand_once_more_where_they_have_stood_beside_others_only(
    order: Order, started: tuple[UnitName, ...], parked: tuple[UnitName, ...], alone: bool
) -> None:
    plan = Plan("carousel", "v2", (), policy=Policy(order=order))
    assert Rollout(plan, started=started, parked=parked).stands_alone is alone


def test_what_is_destroyed_already_is_put_in_anew_only_once_its_machine_lists_it_no_more() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),))
    state = Rollout(plan, step=0, parked=(OLD,), old={OLD: Condition.RUNNING}, committed=True, files=frozenset({OLD}))
    rollout = enter(replace(state, failure=Failure(Reason.FAILED, (NEW,))), Phase.RESTORING, 0)[0]
    leaving = unit(OLD, "deactivating")._replace(desired=None)
    for now in (1, 2, 3):
        rollout, actions, _ = advance(rollout, [leaving], now, Listing.PROVEN)
        assert actions == ()
    rollout, actions, _ = advance(rollout, [], 4, Listing.PROVEN)
    assert actions[0] == Action(Verb.START, (OLD,))


def restoring(*, committed: bool = False) -> Rollout:
    """A rollout that has begun to bring the earlier instance back; ``committed``: it had begun to destroy it."""
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),))
    state = Rollout(plan, step=0, parked=(OLD,), old={OLD: Condition.RUNNING}, committed=committed)
    failed = replace(state, files=frozenset({OLD} if committed else ()), failure=Failure(Reason.FAILED, (NEW,)))
    return enter(failed, Phase.RESTORING, 0)[0]


def test_what_one_listing_lacks_is_not_put_in_anew_for_that() -> None:
    first, actions, _ = advance(restoring(committed=True), [], 1, Listing.PROVEN)
    assert actions == ()
    assert advance(first, [], 2, Listing.PROVEN)[1] == (Action(Verb.START, (OLD,)),)


def test_what_is_only_stopped_is_asked_to_run_again_whatever_one_listing_lacks() -> None:
    assert advance(restoring(), [], 1)[1] == (Action(Verb.RESUME, (OLD,)),)
    leaving = unit(OLD, "inactive", State.LOADED)
    assert advance(restoring(), [leaving], 1)[1] == (Action(Verb.RESUME, (OLD,)),)


def test_what_has_stood_beside_the_earlier_ones_stands_once_more_when_those_are_stopped() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),), policy=Policy(settle=3))
    off = unit(OLD, "inactive", State.LOADED)
    stood = Track(known=True).look(unit(NEW), -10, Traits())
    state = Rollout(plan, step=0, started=(NEW,), parked=(OLD,), tracks={NEW: stood})
    settling = enter(state, Phase.SETTLING, 0)[0]
    assert settling.settles_at == 3
    found = [advance(settling, [unit(NEW), off], now)[0].phase for now in (0, 2.9, 3)]
    assert found == [Phase.SETTLING, Phase.SETTLING, Phase.RETIRING]


def test_when_all_is_known_to_have_stood_is_told_while_it_has_to_stand() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,)), Step((SECOND,))), policy=Policy(settle=3))
    up = {name: Track(known=True).look(unit(name), at, Traits()) for name, at in ((NEW, 1), (SECOND, 5))}
    state = Rollout(plan, phase=Phase.STARTING, step=1, since=7, started=(NEW, SECOND), parked=(OLD,), tracks=up)
    assert state.settles_at == 8
    assert replace(state, phase=Phase.SETTLING).settles_at == 10
    assert replace(state, phase=Phase.CONFIRMING).settles_at is None
    assert replace(state, tracks={NEW: up[NEW]}).settles_at is None
    assert replace(state, started=()).settles_at is None


@pytest.mark.parametrize(
    ("order", "first", "then"),
    [
        (Order.START_FIRST, Phase.RESTORING, Phase.UNDOING),
        (Order.STOP_FIRST, Phase.UNDOING, Phase.RESTORING),
    ],
)
def test_the_earlier_ones_come_back_before_the_new_ones_go_or_after_as_they_have_come(
    order: Order, first: Phase, then: Phase
) -> None:
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),), policy=Policy(order=order))
    state = Rollout(plan, step=0, started=(NEW,), parked=(OLD,), old={OLD: Condition.RUNNING})
    begun = back(state, 0)[0]
    assert (begun.phase, back(begun, 0)[0].phase) == (first, then)
    end = back(back(begun, 0)[0], 0)[0]
    assert (end.phase, end.left) == (Phase.FAILED, ())


@pytest.mark.parametrize(
    ("order", "phase", "left"), [(Order.START_FIRST, Phase.RESTORING, ()), (Order.STOP_FIRST, Phase.FAILED, (NEW,))]
)
def test_with_keep_the_earlier_ones_come_back_only_beside_the_new(
    order: Order, phase: Phase, left: tuple[UnitName, ...]
) -> None:
    policy = Policy(order=order, on_failure=OnFailure.KEEP)
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),), policy=policy)
    state = Rollout(plan, step=0, started=(NEW,), parked=(OLD,), old={OLD: Condition.RUNNING})
    begun = back(state, 0)[0]
    assert (begun.phase, begun.left) == (phase, left)
    assert phase is Phase.FAILED or back(begun, 0)[0].left == (NEW,)


def test_once_the_earlier_ones_are_destroyed_for_good_the_new_ones_stay() -> None:
    plan = Plan("carousel", "v2", (Step((NEW,), retire=(OLD,)),))
    state = Rollout(plan, step=0, started=(NEW,), parked=(OLD,), committed=True)
    ended = back(state, 0)[0]
    assert (ended.phase, ended.left) == (Phase.FAILED, (NEW,))
    assert back(replace(state, committed=False), 0)[0].phase is Phase.UNDOING
