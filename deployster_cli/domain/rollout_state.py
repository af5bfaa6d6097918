"""The state of a rollout, and the moves from one phase to the next. Pure values; ``rollout`` makes the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.model import OnFailure, Order
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.plan import Plan, Step
from deployster_cli.domain.watching import Limits, Track

ASK_AGAIN_AFTER = 15.0
"""Seconds without any effect after which a request is made again."""

PLACED_WITHIN = 15.0
"""Seconds in which fleet places a unit that fits a machine: its engine looks every few seconds."""

STOP_TOGETHER = 3.0
"""Seconds in which units that were asked to stop are waited for before those that have stopped are dealt with."""


class Phase(Enum):
    """Where a rollout is. DONE and FAILED are its ends."""

    PARKING = "parking"
    STARTING = "starting"
    RETIRING = "retiring"
    RESTORING = "restoring"
    UNDOING = "undoing"
    DONE = "done"
    FAILED = "failed"


class Verb(Enum):
    """What is asked of the engine; each is one call for all its units."""

    START = "start"
    RESUME = "resume"
    STOP = "stop"
    UNLOAD = "unload"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Action:
    """One request."""

    verb: Verb
    names: tuple[UnitName, ...]


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rendered unit and its engine say about it: ended is up (oneshot), and what its story is judged by."""

    oneshot: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Rollout:
    """The state. ``since`` is when the phase began; ``asked`` when which verb was last asked for which unit.

    ``told`` is what was last told of a unit, on which machine where it is on several.
    Of the ``parked`` instances those ``up_before`` ran until then, and are started again if the rollout fails.
    """

    plan: Plan
    traits: Traits = Traits()
    phase: Phase = Phase.STARTING
    step: int = -1
    since: float = 0.0
    tracks: Mapping[UnitName, Track] = field(default_factory=dict)
    told: Mapping[tuple[UnitName, str], tuple[object, ...]] = field(default_factory=dict)
    asked: Mapping[tuple[Verb, UnitName], float] = field(default_factory=dict)
    finished: frozenset[UnitName] = frozenset()
    started: tuple[UnitName, ...] = ()
    parked: tuple[UnitName, ...] = ()
    up_before: tuple[UnitName, ...] = ()
    away_since: float | None = None
    failure: Failure | None = None
    left: tuple[UnitName, ...] = ()
    warned: bool = False

    @property
    def over(self) -> bool:
        """Whether the rollout has come to one of its ends."""
        return self.phase in {Phase.DONE, Phase.FAILED}

    @property
    def asked_at(self) -> float:
        """When the last request of this phase was made, else when the phase began."""
        return max(self.asked.values(), default=self.since)

    @property
    def settles_at(self) -> float | None:
        """When the batch under way will have stayed up for long enough; None where not all of it is up."""
        if self.phase is not Phase.STARTING:
            return None
        since = [at for name in self.now_in.rise if (at := self.tracks.get(name, Track()).up_everywhere) is not None]
        return max(since) + self.plan.policy.settle if len(since) == len(self.now_in.rise) else None

    @property
    def now_in(self) -> Step:
        """The batch under way."""
        return self.plan.steps[self.step]

    @property
    def last_step(self) -> bool:
        """Whether the batch under way is the last one."""
        return self.step == len(self.plan.steps) - 1

    @property
    def working_on(self) -> tuple[UnitName, ...]:
        """The units that the phase waits for."""
        match self.phase:
            case Phase.STARTING:
                return self.now_in.rise
            case Phase.PARKING:
                return self.now_in.retire
            case Phase.RETIRING:
                return tuple(dict.fromkeys(self.parked + self.now_in.retire))
            case Phase.RESTORING:
                return self.up_before
            case Phase.UNDOING:
                return self.started
            case _:
                return ()

    @property
    def coming_up(self) -> tuple[UnitName, ...]:
        """Those of them that are to run, each on every machine where it belongs."""
        return self.working_on if self.phase in {Phase.STARTING, Phase.RESTORING} else ()

    @property
    def stop_first(self) -> bool:
        """Whether old instances go before new ones come."""
        return self.plan.policy.order is Order.STOP_FIRST


Told = tuple[Rollout, tuple[Event, ...]]


def ask(rollout: Rollout, verb: Verb, names: tuple[UnitName, ...], now: float) -> tuple[Rollout, tuple[Action, ...]]:
    """The request for those of ``names`` that it was not made for lately, noted as made now."""
    due = tuple(n for n in names if now - rollout.asked.get((verb, n), -ASK_AGAIN_AFTER) >= ASK_AGAIN_AFTER)
    if not due:
        return rollout, ()
    return replace(rollout, asked={**rollout.asked, **{(verb, n): now for n in due}}), (Action(verb, due),)


def next_step(rollout: Rollout, now: float) -> Told:
    """Into the next batch, in the first phase that has something to do there; DONE after the last."""
    rollout = replace(rollout, step=rollout.step + 1)
    if rollout.step >= len(rollout.plan.steps):
        return replace(rollout, phase=Phase.DONE, step=max(0, rollout.step - 1)), ()
    step = rollout.now_in
    if not step.rise:
        return enter(rollout, Phase.RETIRING, now)
    if rollout.stop_first and step.retire:
        return enter(rollout, Phase.PARKING, now)
    return enter(rollout, Phase.STARTING, now)


def enter(rollout: Rollout, phase: Phase, now: float) -> Told:
    """Into a phase, with its clock, its requests and its units' stories begun anew; past it if it has no units."""
    rollout = replace(rollout, phase=phase, since=now, finished=frozenset(), tracks={}, told={}, asked={}, warned=False)
    names = rollout.working_on
    if not names:
        return next_step(rollout, now) if phase is Phase.PARKING else (replace(rollout, phase=Phase.DONE), ())
    if phase is Phase.STARTING:
        step = rollout.now_in
        rollout = replace(rollout, started=rollout.started + names)
        return rollout, (events.Starting(rollout.step + 1, len(rollout.plan.steps), step.start, step.watch),)
    told: dict[Phase, Event] = {
        Phase.PARKING: events.Parking(names),
        Phase.RETIRING: events.Retiring(names),
        Phase.UNDOING: events.Retiring(names, undo=True),
        Phase.RESTORING: events.Restoring(names),
    }
    return rollout, (told[phase],)


def fail(rollout: Rollout, failure: Failure, now: float) -> Told:
    """The rollout has failed: what comes next is undoing it, where the policy says so and it can still help.

    Old instances that would not go while the new ones already serve are no reason to take the new ones down.
    """
    rollout, told = replace(rollout, failure=failure), (events.Failed(failure),)
    old_stay = rollout.phase is Phase.RETIRING or (rollout.phase is Phase.PARKING and not rollout.stop_first)
    if old_stay or rollout.plan.policy.on_failure is OnFailure.KEEP:
        return end(rollout, failure.names if old_stay else rollout.started), told
    if rollout.phase is Phase.PARKING:
        rollout = park(rollout)
    wayback = [(Phase.UNDOING, rollout.started), (Phase.RESTORING, rollout.up_before)]
    for phase, names in wayback if rollout.stop_first else reversed(wayback):
        if names:
            rollout, more = enter(rollout, phase, now)
            return rollout, (*told, *more)
    return end(rollout), told


def park(rollout: Rollout) -> Rollout:
    """The state with the batch's old instances noted as parked, and which of them were up when that began.

    Up is what was wanted and not seen failed: a listing may lack the very report that it runs.
    """
    tracks = rollout.tracks
    names = tuple(n for n in rollout.now_in.retire if tracks[n].unit)
    up = tuple(n for n in names if tracks[n].was_wanted and not tracks[n].was_failed)
    return replace(rollout, parked=rollout.parked + names, up_before=rollout.up_before + up)


def end(rollout: Rollout, left: tuple[UnitName, ...] = ()) -> Rollout:
    """The rollout at its bad end; ``left`` is what is there and should not be."""
    return replace(rollout, phase=Phase.FAILED, left=left)
