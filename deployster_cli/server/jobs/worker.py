"""Running one job: an operation that has its plan recorded before anything is done, and that can be stopped.

A job that was cut off is run again: a plan is made from the cluster alone, so what is done already is found done. What
must not happen twice fails it instead: a task or a hook that had begun, and fresh instances for all (restart,
recreate), which can't be told from those made already.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Event, HookStarted, Parking, Retiring, Starting, TaskStarted, Tell
from deployster_cli.domain.rollout.plan import Plan, plan_destroy
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError
from deployster_cli.operations.change import Operation
from deployster_cli.operations.clock import SystemClock
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.ownership import Owned, owned, planned_over
from deployster_cli.operations.records import forgetting
from deployster_cli.operations.rollout import Result, RolloutSpec

# Times that a job is begun. One that is under way whenever the server dies may be what kills it.
MOST_STARTS = 5


def obstacle(change: Change | None, starts: int, told: Sequence[Event]) -> str:
    """Why a job that was begun so often and told this can't be run again, in one sentence; empty where it can."""
    if change is None:
        return "The server was stopped, and the one that runs now can't read what was asked for."
    if starts >= MOST_STARTS:
        return f"The server was cut off {starts} times while this ran, so it is left alone."
    for event in told:
        match event:
            case TaskStarted(line) | HookStarted(line=line):
                return f"The server was cut off after {line} had begun, and no task or hook is run twice."
            case Starting() | Parking() | Retiring() if change.replaces_all:
                return "The server was cut off when some instances were replaced and others were not."
    return ""


def again(change: Change, plan: Plan | None) -> Change:
    """Return what a job with this first plan asks for when it is run again: the version, instances and units planned
    then.
    """
    if plan is None:
        return change
    adopting = replace(change, adopt_only=plan.adopted if change.adopt else change.adopt_only)
    if change.verb not in {Verb.DEPLOY, Verb.ROLLBACK}:
        return adopting
    return replace(adopting, version=plan.version, instances=len(plan.keep + plan.watch + plan.start))


class StopAsked(KeyboardInterrupt):
    """The server stops, or nobody wants it any more: what Ctrl-C is to a command."""

    signal = signal.SIGTERM


class StoppableClock:
    """A clock of the machine's; the wait during which ``stop`` is set, or the first after it, ends in StopAsked.

    Only that one: whoever tidies up afterwards has to wait too.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._clock = SystemClock()
        self._stop = stop
        self._told = False

    def now(self) -> float:
        """Seconds that only go forward."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait, or be stopped."""
        if self._told:
            self._clock.sleep(seconds)
        elif self._stop.wait(seconds):
            self._told = True
            raise StopAsked

    def epoch(self) -> int:
        """Seconds since 1970."""
        return self._clock.epoch()

    def utc(self) -> str:
        """Now, as ``2026-11-23T08:00:00Z``."""
        return self._clock.utc()


@dataclass(frozen=True)
class Commission:
    """What a job's thread is to do.

    ``earlier`` is what the job had planned (at ``planned_at``) before it was cut off. ``planned`` is called with the
    plan and the service's latest stamp, the service's lock held and nothing done yet. ``stop`` is set when it shall
    stop where it stands.
    """

    intent: Change
    by: str
    planned: Callable[[Plan, str | None], None]
    stop: threading.Event
    earlier: Plan | None = None
    planned_at: str = ""


@dataclass(frozen=True)
class Recorded(Operation):
    """The operation of a job."""

    job: Commission

    def prepare(self, engine: Engine) -> PlannedChange:
        """Return what would be done now."""
        if self.job.earlier:
            self._refuse_if_changed(engine, self.job.earlier.version)
        return self._prepared(engine)

    def decided(self, prepared: PlannedChange) -> None:
        """Told to the job before it is done."""
        self.job.planned(prepared.plan, prepared.latest)

    def _refuse_if_changed(self, engine: Engine, version: str) -> None:
        """DeploysterError where somebody has deployed since this was planned: to go on would undo their work."""
        ours = "" if self.change.verb is Verb.DESTROY else version
        stamps = owned(engine, engine.units(), self.change.service).stamps.values()
        later = [s for s in stamps if s.version != ours and s.deployed_at > self.job.planned_at]
        if later:
            raise DeploysterError(
                f"The server was cut off while this ran, and {later[0].deployed_by} has deployed {later[0].service} "
                f"{later[0].version} since: it was not taken up again.",
                "Ask again, if it is still wanted.",
            )

    def _prepared(self, engine: Engine) -> PlannedChange:
        """Of a destroy that goes on only what is still there: gone is what it was after."""
        earlier = self.job.earlier
        if earlier is None or self.change.verb is not Verb.DESTROY:
            return super().prepare(engine)
        return planned_over(engine, earlier.service, lambda seen: self._rest(engine, earlier, seen))

    def _rest(self, engine: Engine, earlier: Plan, seen: Owned) -> PlannedChange:
        seen = seen.adopting(self.change.adopts, earlier.service, earlier.version)
        units = seen.units
        left = {unit.name.instance for unit in units if unit.name in earlier.retire}
        plan = seen.told(plan_destroy(earlier.service, earlier.version, units, left, self.change.policy))
        plan = plan if left else replace(earlier, steps=())
        return PlannedChange(RolloutSpec(plan), units, memory=forgetting(engine, plan, units))


def carrier(settings: Settings, open_engine: Callable[[], Engine]) -> Callable[[Commission, Tell], Result]:
    """Return what carries out jobs with these settings. Each has an engine of its own: engines remember their last
    listing.
    """

    def carry(job: Commission, tell: Tell) -> Result:
        change = replace(again(job.intent, job.earlier), by=job.by)
        return Recorded(settings, change, StoppableClock(job.stop), job).run(open_engine(), tell)

    return carry
