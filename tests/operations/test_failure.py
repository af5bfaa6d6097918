"""A failed or interrupted rollout in words: what failed, what is there now, what to type next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.change import Policy
from deployster_cli.domain.events import Failure
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.state import Phase, Rollout, Verb
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Condition, Machine, OnFailure, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.failure import RolloutFailed, interrupted

OLD, NEW = UnitName("carousel", "v1", 1), UnitName("carousel", "v2", 1)
BOTH = (OLD, UnitName("carousel", "v1", 2))
STEP = Step((NEW,), (), (OLD,))
HERE = Unit(NEW, machine=Machine("m1", "10.0.0.1"))


def failed(
    reason: Reason,
    *,
    names: tuple[UnitName, ...] = (NEW,),
    left: tuple[UnitName, ...] = (),
    step: Step = STEP,
    keep: bool = False,
    text: str = "",
    serving: tuple[UnitName, ...] = (OLD,),
    committed: bool = False,
    halted: tuple[UnitName, ...] = (),
    parked: tuple[UnitName, ...] = (),
) -> RolloutFailed:
    policy = Policy(on_failure=OnFailure.KEEP if keep else OnFailure.ROLLBACK)
    plan = Plan("carousel", "v2", (step,), policy=policy, halted=halted, before="v1")
    failure = Failure(reason, names, HERE, text)
    end = Rollout(
        plan,
        phase=Phase.FAILED,
        started=(NEW,),
        failure=failure,
        left=left,
        served=frozenset() if halted else frozenset({OLD}),
        serving=frozenset(serving),
        committed=committed,
        parked=parked,
    )
    return RolloutFailed(end, failure)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            failed(Reason.FAILED),
            "carousel v2 @1 failed on 10.0.0.1. The new instances were removed; carousel v1 is as it was.",
        ),
        (
            failed(Reason.DIED, halted=(OLD,)),
            "The new instances were removed; carousel v1 @1 was stopped and runs again.",
        ),
        (
            failed(Reason.DIED, parked=(OLD,)),
            "The new instances were removed; carousel v1 @1 was stopped and runs again.",
        ),
        (
            failed(Reason.DIED, parked=BOTH, serving=BOTH, step=Step((NEW,), (), BOTH)),
            "The new instances were removed; carousel v1 @1 @2 were stopped and run again.",
        ),
        (
            failed(Reason.DIED, parked=(OLD,), serving=()),
            "The new instances were removed; of the 1 earlier instances these do not run: carousel v1 @1.",
        ),
        (failed(Reason.CRASH_LOOP, step=Step((NEW,))), "The new instances were removed."),
        (
            failed(Reason.ENDED, left=(NEW,), keep=True),
            "Kept for inspection: carousel v2 @1; carousel v1 is as it was.",
        ),
        (
            failed(Reason.FAILED, serving=()),
            "The new instances were removed; of the 1 earlier instances these do not run: carousel v1 @1.",
        ),
        (failed(Reason.DIED, parked=(OLD,), committed=True), "carousel v1 @1 was stopped and runs again."),
        (failed(Reason.NOT_YET, left=(NEW,)), "Not removed: carousel v2 @1; carousel v1 is as it was."),
        (failed(Reason.NOT_GONE, names=(OLD,), left=(OLD,)), "carousel v2 runs; still there: carousel v1 @1."),
        (failed(Reason.NOT_GONE, names=(OLD,), left=(OLD,), step=Step(retire=(OLD,))), "Still there: carousel v1 @1."),
        (failed(Reason.REFUSED, text="the engine said no."), "the engine said no. The new instances were removed"),
        (failed(Reason.REFUSED, text="carousel-v2@1.service is there."), "carousel-v2@1.service is there."),
        (failed(Reason.AWAY, text="fleetctl is silent"), "fleetctl is silent. What was asked of it so far stands"),
    ],
)
def test_the_message_says_what_failed_and_what_is_there_now(error: RolloutFailed, says: str) -> None:
    assert says in error.message


def test_nothing_left_of_a_destroy_that_was_refused_needs_no_word() -> None:
    assert failed(Reason.REFUSED, text="web1 said no", step=Step(retire=(OLD,))).message == "web1 said no."


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (failed(Reason.FAILED), "--on-failure keep"),
        (failed(Reason.NOT_YET), "--timeout"),
        (failed(Reason.NOT_YET, left=(NEW,)), "deployster units carousel"),
        (failed(Reason.AWAY, text="x"), "the same command again"),
        (failed(Reason.FAILED, serving=()), "deployster rollback carousel v1, or deploy a version that runs"),
        (failed(Reason.NOT_GONE, names=(OLD,), left=(OLD,), serving=()), "the same command again"),
    ],
)
def test_the_hint_says_what_to_type_next(error: RolloutFailed, hint: str) -> None:
    assert hint in error.hint


def test_of_a_release_that_was_there_before_the_hint_says_where_to_look() -> None:
    plan = Plan("carousel", "v2", (Step((), (), (OLD,)),), (NEW,))
    failure = Failure(Reason.DIED, (NEW,), HERE)
    error = RolloutFailed(Rollout(plan, phase=Phase.FAILED, failure=failure), failure)
    assert error.hint == "carousel v2 was there before this run and stays; see deployster units carousel."


def test_where_there_is_nothing_to_type_there_is_no_hint() -> None:
    assert failed(Reason.REFUSED, text="no").hint == ""


def test_an_engine_that_stayed_away_exits_4_and_any_other_failure_1() -> None:
    assert (failed(Reason.AWAY, text="x").exit_code, failed(Reason.FAILED).exit_code) == (4, 1)


def test_an_interrupt_says_what_was_started() -> None:
    error = interrupted(Rollout(Plan("carousel", "v2", (STEP,)), step=0, started=(NEW,)), 15)
    assert (error.exit_code, "Started so far: carousel v2 @1; nothing was undone." in error.message) == (143, True)


def test_an_interrupt_before_anything_was_started_says_so() -> None:
    assert "Started so far: nothing" in interrupted(Rollout(Plan("carousel", "v2", (STEP,)), step=0), 2).message


def undoing(phase: Phase, parked: tuple[UnitName, ...] = ()) -> Rollout:
    plan = Plan("carousel", "v2", (STEP,), before="v1")
    old = dict.fromkeys(parked, Condition.RUNNING)
    failure = Failure(Reason.CRASH_LOOP, (NEW,), HERE)
    return Rollout(plan, phase=phase, step=0, started=(NEW,), failure=failure, old=old, parked=parked)


def test_an_interrupt_while_a_failure_is_undone_says_what_failed_and_what_removes_it() -> None:
    error = interrupted(undoing(Phase.UNDOING), 15)
    assert (error.exit_code, error.message, error.hint) == (
        143,
        "carousel v2 @1 keeps crashing on 10.0.0.1. Interrupted while that was undone; not removed: carousel v2 @1.",
        "Remove it with deployster destroy carousel v2; deployster units carousel shows what runs.",
    )


def test_an_interrupt_while_the_earlier_release_comes_back_says_what_brings_it_back() -> None:
    error = interrupted(undoing(Phase.RESTORING, (OLD,)), 2)
    assert "not removed: carousel v2 @1; not running again: carousel v1 @1." in error.message
    assert error.hint.startswith("Go back with deployster rollback carousel v1;")


@pytest.mark.parametrize(
    ("phase", "parked"), [(Phase.UNDOING, ()), (Phase.RESTORING, (UnitName("carousel", "v2", 9),))]
)
@pytest.mark.parametrize("before", ["", "v1"])
def test_an_interrupt_while_a_failed_restart_is_undone_names_no_command_that_takes_its_release_away(
    phase: Phase, parked: tuple[UnitName, ...], before: str
) -> None:
    again = UnitName("carousel", "v2", 9)
    state = replace(undoing(phase, parked), plan=Plan("carousel", "v2", (Step((NEW,), (), (again,)),), before=before))
    assert interrupted(state, 2).hint.startswith("Run the same command again;")


@pytest.mark.parametrize(
    ("finished", "hint"),
    [
        (set(), "Remove it with deployster destroy carousel v2 --instance 1;"),
        ({NEW}, "Run the same command again;"),
    ],
)
def test_an_interrupt_while_a_failed_scale_is_undone_names_no_command_that_destroys_what_ran_before(
    finished: set[UnitName], hint: str
) -> None:
    plan = Plan("carousel", "v2", (Step((NEW,)),), keep=(UnitName("carousel", "v2", 2),), before="v1")
    state = replace(undoing(Phase.UNDOING), plan=plan, finished=frozenset(finished))
    assert interrupted(state, 2).hint.startswith(hint)


def test_an_interrupted_destroy_says_that_units_may_still_be_stopping() -> None:
    plan = Plan("carousel", "v1", (Step(retire=(OLD,)),))
    assert "may still be stopping" in interrupted(Rollout(plan, phase=Phase.RETIRING, step=0), 2).message


def test_an_interrupt_says_what_was_stopped_and_is_kept() -> None:
    plan = Plan("carousel", "v2", (STEP,))
    state = Rollout(plan, phase=Phase.SETTLING, step=0, started=(NEW,), parked=(OLD,), old={OLD: Condition.RUNNING})
    said = "Started so far: carousel v2 @1; stopped, their unit files kept: carousel v1 @1; nothing was undone."
    assert said in interrupted(state, 2).message


def test_an_interrupt_says_what_was_asked_to_stop_since_the_last_look() -> None:
    plan, up = Plan("carousel", "v2", (Step((), (), BOTH),), keep=(NEW,)), frozenset(BOTH)
    asked = dict.fromkeys([(Verb.STOP, name) for name in BOTH], 1.0)
    old = dict.fromkeys(BOTH, Condition.RUNNING)
    state = Rollout(plan, phase=Phase.STOPPING_OLD, step=0, old=old, serving=up, asked=asked)
    said = "Started so far: nothing; asked to stop: carousel v1 @1 @2; nothing was undone."
    assert said in interrupted(state, 2).message
    said = "stopped, their unit files kept: carousel v1 @2; asked to stop: carousel v1 @1;"
    assert said in interrupted(replace(state, serving=frozenset({OLD})), 2).message


@pytest.mark.parametrize(
    ("phase", "said"),
    [(Phase.RETIRING, "stopped, and being destroyed: carousel v1 @1"), (Phase.CONFIRMING, "destroyed: carousel v1 @1")],
)
def test_an_interrupt_past_the_way_back_says_that_the_earlier_ones_are_destroyed(phase: Phase, said: str) -> None:
    state = Rollout(Plan("carousel", "v2", (STEP,)), phase=phase, step=0, started=(NEW,), parked=(OLD,), committed=True)
    assert f"Started so far: carousel v2 @1; {said}; nothing was undone." in interrupted(state, 2).message


def test_an_interrupt_that_retires_others_beside_what_is_kept_says_nothing_of_the_kept() -> None:
    plan = Plan("carousel", "v2", (Step(retire=(OLD,)),), keep=(NEW,))
    state = Rollout(plan, phase=Phase.RETIRING, step=0, parked=(OLD,), committed=True)
    said = "Started so far: nothing; stopped, and being destroyed: carousel v1 @1; nothing was undone."
    assert said in interrupted(state, 2).message
