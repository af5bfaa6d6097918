"""A failed or interrupted rollout as an error: what failed and why, what state things are in, what to type next."""

from __future__ import annotations

from deployster_cli.domain.events import Failure
from deployster_cli.domain.model import OnFailure
from deployster_cli.domain.reasons import headline
from deployster_cli.domain.rollout_state import Phase, Rollout
from deployster_cli.domain.watching import Reason
from deployster_cli.domain.wording import some_names
from deployster_cli.errors import EXIT_ENGINE, EXIT_FAILED, DeploysterError, Interrupted


class RolloutFailed(DeploysterError):
    """A rollout came to its bad end. ``rollout`` holds all the facts, ``failure`` the first thing that went wrong.

    ``undone`` says that what it had started is gone again, and what it had stopped runs.
    """

    def __init__(self, rollout: Rollout, failure: Failure, more: str = "") -> None:
        what = headline(failure)
        sentences = [f"{what[:1].upper() if failure.text else what[:1]}{what[1:]}.", more, _state(rollout, failure)]
        super().__init__(" ".join(s for s in sentences if s), _next(rollout, failure))
        self.rollout = rollout
        self.failure = failure
        self.undone = _is_undone(rollout, failure)
        self.exit_code = EXIT_ENGINE if failure.reason is Reason.AWAY else EXIT_FAILED


def _is_undone(rollout: Rollout, failure: Failure) -> bool:
    kept = rollout.plan.policy.on_failure is OnFailure.KEEP
    return not (kept or rollout.left or failure.reason is Reason.AWAY)


def _state(rollout: Rollout, failure: Failure) -> str:
    """What is there now."""
    plan, left = rollout.plan, some_names(rollout.left)
    if failure.reason is Reason.AWAY:
        return "What was asked of it so far stands; what runs now is not known."
    if not plan.start and not plan.watch:
        return f"Still there: {left}." if left else ""
    if failure.reason is Reason.NOT_GONE and rollout.left and set(rollout.left) <= set(plan.retire):
        return f"{plan.service} {plan.version} runs; still there: {left}."
    if plan.policy.on_failure is OnFailure.KEEP and rollout.left == rollout.started:
        return f"Kept for a look: {left}; what ran before was not retired."
    if rollout.left:
        return f"{'Not running again' if set(rollout.left) <= set(plan.retire) else 'Not undone'}: {left}."
    before = sorted({f"{name.service} {name.version}" for name in plan.retire if name.version != plan.version})
    runs = f"; {' and '.join(before)} is as it was" if before else ""
    return f"What was started was taken out again{runs}."


def _next(rollout: Rollout, failure: Failure) -> str:
    plan = rollout.plan
    if failure.reason is Reason.AWAY:
        return "Once it answers, run the same command again: it goes on from what it finds."
    if rollout.left:
        return f"See deployster units {plan.service}; the same command again goes on from what it finds."
    if failure.reason is Reason.NOT_YET:
        return "Give it longer with --timeout, or keep it for a look with --on-failure keep."
    if failure.reason in {Reason.FAILED, Reason.CRASH_LOOP, Reason.ENDED}:
        return "To keep the failed instances for a look, deploy with --on-failure keep."
    return ""


def interrupted(rollout: Rollout, signal: int) -> Interrupted:
    """What to say after Ctrl-C: what was started stands, nothing is undone, and how to go on."""
    plan = rollout.plan
    if rollout.phase is Phase.RETIRING and not plan.start:
        state = f"Some of {plan.service} {plan.version} may still be stopping."
    else:
        asked = some_names(rollout.started) if rollout.started else "nothing"
        state = f"Started so far: {asked}; nothing was undone."
    return Interrupted(
        f"Interrupted. {state}",
        f"The same command again goes on from here; deployster units {plan.service} shows what runs.",
        signal=signal,
    )
