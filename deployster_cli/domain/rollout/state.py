"""The state of a rollout, and the moves from one phase to the next. Pure values; ``rollout`` makes the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.tracking import Track, Traits
from deployster_cli.domain.units.model import Condition, OnFailure, Order
from deployster_cli.domain.units.names import UnitName

# Seconds without any effect after which a request is made again.
ASK_AGAIN_AFTER = 15.0

# The same for a request that the engine refused: it may have been carried out all the same, so a look comes first.
REFUSED_AGAIN_AFTER = 2.0

# Refusals of one kind of request in a phase before the rollout fails of them.
REFUSALS = 3

# Seconds in which fleet places a unit that fits a machine: its engine looks every few seconds.
PLACED_WITHIN = 15.0

# Seconds in which units that were asked to stop are waited for before those that have stopped are dealt with.
STOP_TOGETHER = 3.0


# Seconds for which a listing may show how an earlier run of a unit ended (fleet 1.0.0).
STALE_FOR = 10.0


class Phase(Enum):
    """Where a rollout is. DONE and FAILED are its ends."""

    STOPPING_OLD = "stopping old"
    STARTING = "starting"
    SETTLING = "settling"
    RETIRING = "retiring"
    CONFIRMING = "confirming"
    RESTORING = "restoring"
    UNDOING = "undoing"
    DONE = "done"
    FAILED = "failed"


class Listing(Enum):
    """What the absence of a unit from a listing proves."""

    PROVEN = "it shows this very run's lock, so it is of now and not empty by mistake"
    UNPROVEN = "there is no lock to look for: a second listing has to agree"
    SHORT = "it lacks this very run's lock, so it lacks who knows what: nothing"


# The phases in which all that has risen is judged at every look.
FORWARD = frozenset({Phase.STOPPING_OLD, Phase.STARTING, Phase.SETTLING, Phase.RETIRING, Phase.CONFIRMING})


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
class Rollout:
    """The state. ``since`` is when the phase began, ``progressed`` when one of its units last got further than before,
    ``looked`` when the last look was; ``asked`` when which verb was last asked for which unit, ``refusals`` how often
    in a row one was refused.

    ``told`` is what was last told of a unit, on which machine where it is on several. ``listing`` is what the last look
    can prove. ``hashes`` are the contents that
    units of the new release must have. ``old`` is what each earlier instance that is wanted was doing when it was last
    seen before it was asked to stop. ``parked`` are those that were stopped and are kept until the end. ``serving`` are
    the earlier instances that the last look showed up, and ``served`` those that the first one did. ``committed``: the
    earlier instances are being destroyed, so on the way back they are put in anew, if they are among ``files``: their
    unit files are known, and nobody else's units have their names.
    """

    plan: Plan
    traits: Traits = field(default_factory=Traits)
    listing: Listing = Listing.UNPROVEN
    hashes: Mapping[UnitName, str] = field(default_factory=dict)
    phase: Phase = Phase.STARTING
    step: int = -1
    since: float = 0.0
    progressed: float = 0.0
    looked: float = 0.0
    ranks: Mapping[UnitName, int] = field(default_factory=dict)
    tracks: Mapping[UnitName, Track] = field(default_factory=dict)
    told: Mapping[tuple[UnitName, str], tuple[object, ...]] = field(default_factory=dict)
    asked: Mapping[tuple[Verb, UnitName], float] = field(default_factory=dict)
    refusals: Mapping[Verb, int] = field(default_factory=dict)
    finished: frozenset[UnitName] = frozenset()
    started: tuple[UnitName, ...] = ()
    old: Mapping[UnitName, Condition] = field(default_factory=dict)
    parked: tuple[UnitName, ...] = ()
    served: frozenset[UnitName] | None = None
    serving: frozenset[UnitName] = frozenset()
    committed: bool = False
    files: frozenset[UnitName] = frozenset()
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
        """When all that is judged will have stayed up for long enough; None where not all of it is up."""
        if self.phase not in {Phase.STARTING, Phase.SETTLING}:
            return None
        since = [self.tracks.get(name, Track()).up_everywhere for name in self.judged]
        up = [at for at in since if at is not None]
        alone = [self.since] if self.phase is Phase.SETTLING and self.stands_alone else []
        return max(up + alone) + self.plan.policy.settle if up and len(up) == len(since) else None

    @property
    def now_in(self) -> Step:
        """The batch under way."""
        return self.plan.steps[self.step]

    @property
    def last_step(self) -> bool:
        """Whether the batch under way is the last one."""
        return self.step == len(self.plan.steps) - 1

    @property
    def judged(self) -> tuple[UnitName, ...]:
        """All of the wanted release that has been brought up so far, and what of it ran before; a fault of any of them
        fails the rollout.
        """
        return (*self.plan.keep, *self.started) if self.phase in FORWARD else ()

    @property
    def working_on(self) -> tuple[UnitName, ...]:
        """The units that the phase waits for."""
        match self.phase:
            case Phase.STARTING:
                names = self.now_in.up
            case Phase.STOPPING_OLD:
                names = self.now_in.retire
            case Phase.SETTLING | Phase.CONFIRMING:
                names = self.judged
            case Phase.RETIRING:
                names = self.parked or self.now_in.retire
            case Phase.RESTORING:
                names = self.up_before
            case Phase.UNDOING:
                names = self.started
            case _:
                names = ()
        return names

    @property
    def up_before(self) -> tuple[UnitName, ...]:
        """The stopped earlier instances that were wanted and had not failed, stopped by this run or by an interrupted
        one; they are started again on a failure.
        """
        halted = frozenset() if self._short else frozenset(self.plan.halted)
        names = dict.fromkeys((*self.parked, *self.plan.halted))
        return tuple(name for name in names if name in self.old and name not in halted)

    @property
    def _short(self) -> bool:
        """Whether what the plan keeps is too little, or is itself what failed."""
        plan = self.plan
        count = plan.instances.before or plan.instances.number if plan.instances else None
        at_fault = self.failure is not None and not frozenset(plan.keep).isdisjoint(self.failure.names)
        return at_fault or count is None or len(plan.keep) < count

    @property
    def coming_up(self) -> tuple[UnitName, ...]:
        """The units that are to run, each on every machine where it belongs."""
        return self.up_before if self.phase is Phase.RESTORING else self.judged

    @property
    def stop_first(self) -> bool:
        """Whether old instances go before new ones come."""
        return self.plan.policy.order is Order.STOP_FIRST

    @property
    def stands_alone(self) -> bool:
        """Whether the new instances must stand for the settle time once more, now that the old ones are stopped: what
        is started first has stood beside them only.
        """
        replaced = any(name.version != self.plan.version for name in self.parked)
        beside = not self.stop_first or not self.started
        return beside and bool(self.parked) and (replaced or bool(self.started))


Told = tuple[Rollout, tuple[Event, ...]]


def ask(rollout: Rollout, verb: Verb, names: tuple[UnitName, ...], now: float) -> tuple[Rollout, tuple[Action, ...]]:
    """Return the request for those of ``names`` that it was not made for lately, noted as made now."""
    due = tuple(n for n in names if now - rollout.asked.get((verb, n), -ASK_AGAIN_AFTER) >= ASK_AGAIN_AFTER)
    if not due:
        return rollout, ()
    return replace(rollout, asked={**rollout.asked, **{(verb, n): now for n in due}}), (Action(verb, due),)


def next_step(rollout: Rollout, now: float) -> Told:
    """Into the next batch, in the first phase that has something to do there; behind the last one, into SETTLING."""
    rollout = replace(rollout, step=rollout.step + 1)
    if rollout.step >= len(rollout.plan.steps):
        return wind_up(replace(rollout, step=max(0, rollout.step - 1)), now)
    step = rollout.now_in
    if step.up:
        return enter(rollout, Phase.STOPPING_OLD if rollout.stop_first and step.retire else Phase.STARTING, now)
    if not rollout.judged:
        return enter(rollout, Phase.RETIRING, now)
    # What is there already has to stand too before another release is stopped: it may be crashing again and again.
    replaced = any(name.version != rollout.plan.version for name in step.retire)
    return enter(rollout, Phase.STARTING if replaced else Phase.STOPPING_OLD, now)


def wind_up(rollout: Rollout, now: float) -> Told:
    """Behind the last batch: what is wanted has to stand, then what it replaces is destroyed."""
    return enter(rollout, Phase.SETTLING, now) if rollout.judged else (replace(rollout, phase=Phase.DONE), ())


def enter(rollout: Rollout, phase: Phase, now: float) -> Told:
    """Into a phase, with its clock and its requests begun anew. What is judged keeps its story, all else begins a new
    one.
    """
    rollout = replace(rollout, phase=phase, since=now, progressed=now, finished=frozenset(), warned=False)
    if phase is Phase.STARTING:
        rollout = replace(rollout, started=rollout.started + rollout.now_in.up)
    judged = frozenset(rollout.judged)
    kept = {name: track for name, track in rollout.tracks.items() if name in judged}
    rollout = replace(
        rollout,
        tracks={name: Track(known=not rollout.committed) for name in rollout.up_before}
        if phase is Phase.RESTORING
        else kept,
        told={key: sight for key, sight in rollout.told.items() if key[0] in judged},
        asked={},
        refusals={},
        ranks={},
    )
    return rollout, _announced(rollout)


def _announced(rollout: Rollout) -> tuple[Event, ...]:
    """Return what is told when the phase begins; of some nothing is."""
    names, settle = rollout.working_on, rollout.plan.policy.settle
    event: Event | None = None
    match rollout.phase:
        case Phase.STARTING if not rollout.now_in.up:
            event = events.Settling(rollout.judged, settle) if settle else None
        case Phase.STARTING:
            step = rollout.now_in
            event = events.Starting(rollout.step + 1, len(rollout.plan.steps), step.start, step.watch)
        case Phase.STOPPING_OLD:
            event = events.Parking(names)
        case Phase.SETTLING if rollout.stands_alone and settle:
            event = events.Settling(names, settle)
        case Phase.RETIRING | Phase.UNDOING:
            event = events.Retiring(names, undo=rollout.phase is Phase.UNDOING)
        case Phase.RESTORING:
            event = events.Restoring(names)
    return (event,) if event else ()


def fail(rollout: Rollout, failure: Failure, now: float) -> Told:
    """Return the rollout has failed: what comes next is undoing it, where the policy says so and it can still help.

    Old instances that would not go while the new ones already serve are not a reason to take the new ones down.
    """
    told: tuple[Event, ...] = (events.Failed(failure),)
    judged = set(rollout.judged)
    rollout = replace(rollout, failure=failure)
    of_the_old = rollout.phase in {Phase.STOPPING_OLD, Phase.RETIRING} and not judged.intersection(failure.names)
    if of_the_old and not (rollout.stop_first and rollout.phase is Phase.STOPPING_OLD):
        return end(rollout, failure.names), told
    if rollout.phase is Phase.STOPPING_OLD:
        rollout = park(rollout)
    rollout, more = back(rollout, now)
    return rollout, (*told, *more)


def back(rollout: Rollout, now: float) -> Told:
    """Return the next part of the way back, or the end where there is none left.

    Started first, the old ones come back before the new ones go, else after. With the policy KEEP the new ones stay,
    and the old ones only come back where they can run beside them.
    """
    keep = rollout.plan.policy.on_failure is OnFailure.KEEP
    # Once the earlier ones are being destroyed the new ones may be all that is left of the service.
    undo = () if keep or (rollout.committed and not rollout.up_before) else rollout.started
    restore = () if keep and rollout.stop_first else rollout.up_before
    way = [(Phase.RESTORING, restore), (Phase.UNDOING, undo)]
    way = list(reversed(way)) if rollout.stop_first else way
    phases = [phase for phase, _ in way]
    behind = phases.index(rollout.phase) + 1 if rollout.phase in phases else 0
    for phase, names in way[behind:]:
        if names:
            return enter(rollout, phase, now)
    return end(rollout, rollout.left or (rollout.started if not undo else ())), ()


def park(rollout: Rollout) -> Rollout:
    """Return the state with the batch's old instances noted as stopped and kept."""
    return replace(rollout, parked=rollout.parked + rollout.now_in.retire)


def end(rollout: Rollout, left: tuple[UnitName, ...] = ()) -> Rollout:
    """Return the rollout at its bad end; ``left`` is what is there and should not be."""
    return replace(rollout, phase=Phase.FAILED, left=left)
