"""A failed or interrupted rollout as an error: what failed and why, what state things are in, what to type next."""

from __future__ import annotations

from deployster_cli.domain.events import Failure, headline
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.rollout.state import Phase, Rollout, Verb
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import OnFailure
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.wording import capitalized, some_names, where
from deployster_cli.errors import EXIT_ENGINE, EXIT_FAILED, DeploysterError, Interrupted


class RolloutFailed(DeploysterError):
    """A rollout came to its bad end. ``rollout`` holds all the facts, ``failure`` the first thing that went wrong.

    ``undone`` says that what it had started is gone again, and what it had stopped runs; ``kept_fresh`` that a release
    which never came up was kept; ``halted`` are the earlier instances that were up and are stopped.
    """

    def __init__(self, rollout: Rollout, failure: Failure, more: str = "") -> None:
        what = headline(failure)
        sentences = [f"{what}.", more, _state(rollout, failure)]
        super().__init__(" ".join(s for s in sentences if s), _next(rollout, failure))
        self.rollout = rollout
        self.failure = failure
        self.undone = _is_undone(rollout, failure)
        self.kept_fresh = _is_kept_fresh(rollout, failure)
        self.halted = _lost(rollout)
        self.exit_code = EXIT_ENGINE if failure.reason is Reason.AWAY else EXIT_FAILED


def _is_undone(rollout: Rollout, failure: Failure) -> bool:
    kept = rollout.plan.policy.on_failure is OnFailure.KEEP
    return not (kept or rollout.left or failure.reason is Reason.AWAY)


def _is_kept_fresh(rollout: Rollout, failure: Failure) -> bool:
    plan = rollout.plan
    fresh = not plan.keep and all(name.version != plan.version for name in plan.retire)
    at_fault = bool(set(failure.names) & set(rollout.started))
    return fresh and at_fault and plan.policy.on_failure is OnFailure.KEEP


def _begun(text: str, service: str) -> str:
    """Return the text as a sentence begins: with a capital, but for the name of the service or of a unit of its."""
    return text if text.startswith((f"{service} ", f"{service}-")) else capitalized(text)


def _state(rollout: Rollout, failure: Failure) -> str:
    """Return what is there now, by the last look."""
    plan, left = rollout.plan, some_names(rollout.left)
    if failure.reason is Reason.AWAY or rollout.away_since is not None:
        return "What was asked of it so far stands; what runs now is not known."
    if not plan.start and not plan.watch and not plan.keep:
        return f"Still there: {left}." if left else ""
    if failure.reason in {Reason.NOT_GONE, Reason.LOST} and rollout.left and set(rollout.left) <= set(plan.retire):
        return f"{plan.service} {plan.version} runs; still there: {left}."
    text = "; ".join(filter(None, (_new(rollout), _earlier(rollout))))
    return f"{_begun(text, plan.service)}." if text else ""


def _new(rollout: Rollout) -> str:
    """Return what became of what was to be undone."""
    plan, left = rollout.plan, some_names(rollout.left)
    if not rollout.left:
        return "the new instances were removed" if rollout.started else ""
    if plan.policy.on_failure is OnFailure.KEEP and rollout.left == rollout.started:
        return f"kept for inspection: {left}"
    return f"{'not running again' if set(rollout.left) <= set(plan.retire) else 'not removed'}: {left}"


def _earlier(rollout: Rollout) -> str:
    """How the earlier instances are that ran when it began: as they were, started again, or which of them don't run."""
    ran, lost = _ran(rollout), _lost(rollout)
    if lost:
        silent = rollout.failure is not None and rollout.failure.reason is Reason.LOST
        these = "these are not known to run" if silent else "these do not run"
        return f"of the {len(ran)} earlier instances {these}: {some_names(lost)}"
    releases = sorted({f"{name.service} {name.version}" for name in ran if name.version != rollout.plan.version})
    again = [n for n in rollout.plan.retire if n in {*rollout.plan.halted, *rollout.parked} and n in rollout.serving]
    if again:
        return f"{some_names(again)} {'was stopped and runs' if len(again) == 1 else 'were stopped and run'} again"
    if not releases:
        return ""
    return f"{' and '.join(releases)} {'is as it was' if len(releases) == 1 else 'are as they were'}"


def _ran(rollout: Rollout) -> tuple[UnitName, ...]:
    """Return the earlier instances that were up when it began, or before a run that was interrupted."""
    return tuple(name for name in rollout.plan.retire if name in {*(rollout.served or ()), *rollout.plan.halted})


def _lost(rollout: Rollout) -> tuple[UnitName, ...]:
    """Those of them that are not up by the last look."""
    return tuple(name for name in _ran(rollout) if name not in rollout.serving)


def _next(rollout: Rollout, failure: Failure) -> str:
    plan = rollout.plan
    if failure.reason is Reason.AWAY or rollout.away_since is not None:
        return "Once it answers, run the same command again: it continues from what it finds."
    if failure.reason is Reason.LOST and failure.unit:
        name = where(failure.unit)
        return f"Once {name} is back, run the same command again; or leave it out: --without {name}."
    back = _back(rollout)
    if back and _lost(rollout) and failure.reason is not Reason.NOT_GONE:
        return f"See deployster units {plan.service}. {back}, or deploy a version that runs."
    if rollout.left:
        return f"See deployster units {plan.service}; the same command again continues from what it finds."
    if failure.reason in {Reason.FAILED, Reason.CRASH_LOOP, Reason.DIED, Reason.ENDED, Reason.UNHEALTHY}:
        return _inspect(plan, failure)
    late = failure.reason is Reason.NOT_YET
    return "Give it longer with --timeout, or keep it for inspection with --on-failure keep." if late else ""


def _inspect(plan: Plan, failure: Failure) -> str:
    before = f"{plan.service} {plan.version} was there before this run and stays; see deployster units {plan.service}."
    new = "To keep the failed instances for inspection, deploy with --on-failure keep."
    return before if set(failure.names) <= set(plan.keep) else new


def _back(rollout: Rollout) -> str:
    """Return the line that goes back to the release before; empty where there was none."""
    plan = rollout.plan
    return f"Go back with deployster rollback {plan.service} {plan.before}" if plan.before else ""


def interrupted(rollout: Rollout, signal: int) -> Interrupted:
    """Return what to say after Ctrl-C: what was started stands, nothing is undone, and how to go on. A rollout that had
    failed by then says so first.
    """
    plan = rollout.plan
    if rollout.failure:
        return _interrupted_failure(rollout, rollout.failure, signal)
    if rollout.phase is Phase.RETIRING and not rollout.judged:
        state = f"Some of {plan.service} {plan.version} may still be stopping."
    else:
        asked = some_names(rollout.started) if rollout.started else "nothing"
        state = "; ".join((f"Started so far: {asked}", *_retired(rollout), "nothing was undone."))
    return Interrupted(
        f"Interrupted. {state}",
        f"Run the same command again to continue; deployster units {plan.service} shows what runs.",
        signal=signal,
    )


def _retired(rollout: Rollout) -> tuple[str, ...]:
    """Return what became so far of the earlier instances that are to go, one part of a sentence each."""
    if rollout.committed:
        how = "destroyed" if rollout.phase is Phase.CONFIRMING else "stopped, and being destroyed"
        return (f"{how}: {some_names(rollout.parked)}",)
    stopped = [name for name in rollout.plan.retire if name in rollout.old and name not in rollout.serving]
    asked = [name for name in rollout.plan.retire if (Verb.STOP, name) in rollout.asked and name in rollout.serving]
    kinds = (("stopped, their unit files kept", stopped), ("asked to stop", asked))
    return tuple(f"{kind}: {some_names(names)}" for kind, names in kinds if names)


def _interrupted_failure(rollout: Rollout, failure: Failure, signal: int) -> Interrupted:
    """Return the failure, what of it is not undone, and what undoes it."""
    plan, what = rollout.plan, headline(failure)
    new = tuple(name for name in rollout.started if rollout.phase is not Phase.UNDOING or name not in rollout.finished)
    stopped = tuple(name for name in rollout.up_before if name not in rollout.serving)
    kinds = (("not removed", new), ("not running again", stopped))
    left = "; ".join(f"{kind}: {some_names(names)}" for kind, names in kinds if names)
    only = "".join(f" --instance {name.instance}" for name in new) if plan.keep else ""
    cure = f"Remove it with deployster destroy {plan.service} {plan.version}{only}"
    if stopped or not new or any(name.version == plan.version for name in plan.retire):
        others = any(name.version != plan.version for name in stopped)
        cure = _back(rollout) if others and plan.before else "Run the same command again"
    return Interrupted(
        f"{what}. Interrupted while that was undone{f'; {left}' if left else ''}.",
        f"{cure}; deployster units {plan.service} shows what runs.",
        signal=signal,
    )
