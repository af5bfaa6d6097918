"""The rollout as a pure state machine: (state, units seen, now) → (state, what to ask of the engine, what to tell).

The loop that drives it only looks, acts and sleeps. Every request is worked out from what is seen, so it may be made
again when nobody knows what became of it; a look that shows the wish come true ends it.

  start-first   STARTING ─ PARKING ─ next batch …  STARTING ─ RETIRING ─ DONE
  stop-first    PARKING ─ STARTING ─ next batch …  RETIRING ─ DONE
  on failure    RESTORING and UNDOING (start-first: restored before the new ones go; stop-first: after) ─ FAILED

Earlier instances are parked, not destroyed, until the last batch runs: a failure can bring all of them back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.model import Condition, State, Unit
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.rollout_state import (
    PLACED_WITHIN,
    STOP_TOGETHER,
    Action,
    Phase,
    Rollout,
    Told,
    Traits,
    Verb,
    ask,
    end,
    enter,
    fail,
    next_step,
    park,
)
from deployster_cli.domain.watching import Reason, Track, whole

_NO_NEWS = frozenset({Condition.ENDED, Condition.UNREPORTED, Condition.LEAVING, Condition.STOPPED})

NEVER_STARTED = frozenset({State.INACTIVE, None})

Result = tuple[Rollout, tuple[Action, ...], tuple[Event, ...]]
Removal = tuple[Rollout, tuple[Action, ...], tuple[Event, ...], list[UnitName]]


def begin(plan: Plan, traits: Traits, now: float) -> Told:
    """The rollout at its start, in the first phase that has something to do."""
    return next_step(Rollout(plan=plan, traits=traits, since=now), now)


def advance(rollout: Rollout, seen: Sequence[Unit], now: float) -> Result:
    """One look at all units of the engine. A phase that this look ends hands it on to the next, which asks at once."""
    units = {unit.name: unit for unit in seen}
    told: tuple[Event, ...] = ()
    if rollout.away_since is not None:
        told = (events.EngineBack(now - rollout.away_since),)
        rollout = replace(rollout, away_since=None)
    complete = whole(seen)
    while True:
        phase = rollout.phase, rollout.step
        rollout, changed = _notice(rollout, units, now)
        rollout, actions, more = _PHASES[rollout.phase](rollout, units, complete, now)
        told = (*told, *changed, *more)
        if rollout.over or phase == (rollout.phase, rollout.step):
            return rollout, actions, told


def away(rollout: Rollout, why: str, now: float) -> Told:
    """A look, or a request, that the engine did not answer: waited out until the phase's time limit."""
    told: tuple[Event, ...] = ()
    rollout = replace(rollout, tracks={name: track.unlooked(now) for name, track in rollout.tracks.items()})
    if rollout.away_since is None:
        rollout, told = replace(rollout, away_since=now), (events.EngineAway(why),)
    if now - rollout.since <= rollout.plan.policy.timeout:
        return rollout, told
    failure = rollout.failure or Failure(Reason.AWAY, text=why)
    ended = end(replace(rollout, failure=failure), rollout.working_on)
    return ended, (*told, *(() if rollout.failure else (events.Failed(failure),)))


def unanswered(rollout: Rollout, action: Action) -> Rollout:
    """The same state with the request not made: nobody knows what became of it, so the next look decides."""
    asked = {key: at for key, at in rollout.asked.items() if key not in {(action.verb, n) for n in action.names}}
    return replace(rollout, asked=asked)


def refused(rollout: Rollout, action: Action, text: str, now: float) -> Told:
    """The engine would not take a request: the rollout fails, and is undone where that can help."""
    failure = Failure(Reason.REFUSED, action.names, text=text)
    return (end(rollout, action.names), ()) if rollout.failure else fail(rollout, failure, now)


def _notice(rollout: Rollout, units: Mapping[UnitName, Unit], now: float) -> Told:
    """Follow the units that this phase works on, and tell what changed about them."""
    tracks, told, changes = dict(rollout.tracks), dict(rollout.told), []
    for name in rollout.working_on:
        unit = units.get(name)
        tracks[name] = tracks.get(name, Track()).look(unit, now, oneshot=rollout.traits.oneshot)
        if unit is None or name in rollout.finished:
            continue
        for each in unit.each:
            key = name, each.machine.id if each.everywhere and each.machine else ""
            if _worth_telling(rollout.phase, each) and told.get(key) != _sight(each):
                changes.append(events.Changed(each, now - rollout.since))
                told[key] = _sight(each)
    return replace(rollout, tracks=tracks, told=told), tuple(changes)


def _sight(unit: Unit) -> tuple[object, ...]:
    """What of a unit is told when it changes."""
    detail = unit.sub if unit.condition is Condition.STARTING else ""
    return unit.condition, unit.machine and unit.machine.id, detail


def _worth_telling(phase: Phase, unit: Unit) -> bool:
    """Of a unit that goes, only that it is stopping: that it still runs, or is nearly gone, is no news.

    Of one that comes up, not that it looks dead or is not reported: it does and is for a moment between being loaded
    and being started, and when it is dead for good the rollout says so.
    """
    if phase in {Phase.STARTING, Phase.RESTORING}:
        return unit.condition not in _NO_NEWS
    return unit.condition is Condition.STOPPING


def _starting(rollout: Rollout, units: Mapping[UnitName, Unit], _: bool, now: float) -> Result:
    step, policy = rollout.now_in, rollout.plan.policy
    rollout, actions = ask(rollout, Verb.START, tuple(n for n in step.start if not _wanted(units.get(n))), now)
    failure = _first_fault(rollout, now)
    if failure:
        rollout, told = fail(rollout, failure, now)
        return rollout, (), told
    ready = [n for n in step.rise if rollout.tracks[n].settled(now, policy.settle)]
    fresh = [u for n in ready if n not in rollout.finished and (u := units.get(n))]
    rollout, told = _tell_unplaced(rollout, now)
    told = (*told, *(events.Ready(unit, now - rollout.since) for unit in fresh))
    rollout = replace(rollout, finished=rollout.finished | {u.name for u in fresh})
    if len(ready) == len(step.rise):
        rollout, more = _risen(rollout, now)
        return rollout, (), (*told, *more)
    if now - rollout.since > policy.timeout:
        rollout, more = fail(rollout, _late(rollout, [n for n in step.rise if n not in ready]), now)
        return rollout, (), (*told, *more)
    return rollout, actions, told


def _first_fault(rollout: Rollout, now: float) -> Failure | None:
    """Why the batch can't come up any more, as soon as that is certain of one unit, or of its copy on one machine."""
    limits = rollout.traits.limits
    for name in rollout.now_in.rise:
        track = rollout.tracks[name]
        reason = track.fault(now, limits)
        if reason:
            return Failure(reason, (name,), track.culprit(now, limits))
    return None


def _tell_unplaced(rollout: Rollout, now: float) -> Told:
    """Say once, long before the time limit, that units are on no machine: their rules may be wrong."""
    units = [rollout.tracks[name].unit for name in rollout.now_in.rise]
    nowhere = tuple(u.name for u in units if u is not None and u.condition is Condition.WAITING)
    if rollout.warned or not nowhere or now - rollout.since < PLACED_WITHIN:
        return rollout, ()
    return replace(rollout, warned=True), (events.NoMachineYet(nowhere),)


def _wanted(unit: Unit | None) -> bool:
    return unit is not None and unit.desired is State.LAUNCHED


def _risen(rollout: Rollout, now: float) -> Told:
    """The batch is up: what it replaces goes."""
    if rollout.last_step:
        return enter(rollout, Phase.RETIRING, now)
    return next_step(rollout, now) if rollout.stop_first else enter(rollout, Phase.PARKING, now)


def _late(rollout: Rollout, names: list[UnitName]) -> Failure:
    """What to say of units that did not come up in time: the one on no machine is the one to tell of."""
    units = [rollout.tracks[name].unit for name in names]
    nowhere = [u for u in units if u is not None and u.machine is None]
    if nowhere:
        return Failure(Reason.NO_MACHINE, tuple(u.name for u in nowhere), nowhere[0])
    return Failure(Reason.NOT_YET, tuple(names), units[0])


def _parking(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    names = rollout.now_in.retire
    off = {n for n in names if _is_parked(units.get(n)) or _is_gone(rollout, n, complete)}
    here = [units[n] for n in names if n in units and n not in off]
    rollout, stop = ask(rollout, Verb.STOP, tuple(u.name for u in here if not u.stopped), now)
    rollout, unload = ask(rollout, Verb.UNLOAD, _stopped(rollout, here, now), now)
    rollout, told = _tell_gone(rollout, off, now, parked=True)
    if len(off) == len(names):
        rollout, more = _parked(park(rollout), now)
        return rollout, (), (*told, *more)
    return _unless_late((rollout, stop + unload, told), Reason.NOT_GONE, [n for n in names if n not in off], now)


def _parked(rollout: Rollout, now: float) -> Told:
    return enter(rollout, Phase.STARTING, now) if rollout.stop_first else next_step(rollout, now)


def _is_parked(unit: Unit | None) -> bool:
    return unit is not None and unit.desired is State.INACTIVE and unit.current in NEVER_STARTED and unit.stopped


def _is_gone(rollout: Rollout, name: UnitName, complete: bool) -> bool:
    """In no list: believed at once of a listing that looks complete, else when the next one agrees."""
    return rollout.tracks[name].absent >= (1 if complete else 2)


def _tell_gone(rollout: Rollout, names: Collection[UnitName], now: float, *, parked: bool = False) -> Told:
    fresh = sorted(n for n in names if n not in rollout.finished)
    told = tuple(events.Gone(name, now - rollout.since, parked) for name in fresh)
    return replace(rollout, finished=rollout.finished | set(fresh)), told


def _remove(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Removal:
    """Stop what runs, destroy what is stopped, and see what is left; each kind is one request, if all stop as fast."""
    names = rollout.working_on
    gone = {n for n in names if _is_gone(rollout, n, complete)}
    here = [units[n] for n in names if n in units and units[n].desired is not None]
    rollout, stop = ask(rollout, Verb.STOP, tuple(u.name for u in here if not u.stopped), now)
    rollout, destroy = ask(rollout, Verb.DESTROY, _stopped(rollout, here, now), now)
    rollout, told = _tell_gone(rollout, gone, now)
    return rollout, stop + destroy, told, [n for n in names if n not in gone]


def _stopped(rollout: Rollout, units: Sequence[Unit], now: float) -> tuple[UnitName, ...]:
    """Those that are stopped; none while the others may be in a moment, so that one request can be for all."""
    stopped = tuple(unit.name for unit in units if unit.stopped)
    return stopped if len(stopped) == len(units) or now - rollout.since >= STOP_TOGETHER else ()


def _retiring(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    rollout, actions, told, left = _remove(rollout, units, complete, now)
    if not left:
        return replace(rollout, phase=Phase.DONE), (), told
    return _unless_late((rollout, actions, told), Reason.NOT_GONE, left, now)


def _undoing(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    rollout, actions, told, left = _remove(rollout, units, complete, now)
    if not left:
        restore = rollout.stop_first and rollout.up_before
        rollout, more = enter(rollout, Phase.RESTORING, now) if restore else (end(rollout), ())
        return rollout, (), (*told, *more)
    return _unless_late((rollout, actions, told), Reason.NOT_GONE, left, now)


def _restoring(rollout: Rollout, units: Mapping[UnitName, Unit], _: bool, now: float) -> Result:
    names = rollout.up_before
    rollout, actions = ask(rollout, Verb.RESUME, tuple(n for n in names if not _wanted(units.get(n))), now)
    back = [n for n in names if rollout.tracks[n].settled(now, 0)]
    lost = [n for n in names if rollout.tracks[n].fault(now, rollout.traits.limits)]
    fresh = [units[n] for n in back if n not in rollout.finished and n in units]
    told = tuple(events.Ready(unit, now - rollout.since) for unit in fresh)
    rollout = replace(rollout, finished=rollout.finished | {u.name for u in fresh})
    if lost:
        return end(rollout, rollout.started if not rollout.stop_first else tuple(lost)), (), told
    if len(back) == len(names):
        undo = not rollout.stop_first and rollout.started
        rollout, more = enter(rollout, Phase.UNDOING, now) if undo else (end(rollout), ())
        return rollout, (), (*told, *more)
    return _unless_late((rollout, actions, told), Reason.NOT_RESTORED, [n for n in names if n not in back], now)


def _unless_late(result: Result, reason: Reason, left: list[UnitName], now: float) -> Result:
    """Go on waiting for ``left``, or fail where the phase's time is up (a failure that came first stays the reason)."""
    rollout, _, told = result
    if now - rollout.since <= rollout.plan.policy.timeout:
        return result
    if rollout.failure:
        return end(rollout, tuple(left)), (), told
    rollout, more = fail(rollout, Failure(reason, tuple(left), rollout.tracks[left[0]].unit), now)
    return rollout, (), (*told, *more)


def _over(rollout: Rollout, _: Mapping[UnitName, Unit], __: bool, ___: float) -> Result:
    return rollout, (), ()


_PHASES: dict[Phase, Callable[[Rollout, Mapping[UnitName, Unit], bool, float], Result]] = {
    Phase.STARTING: _starting,
    Phase.PARKING: _parking,
    Phase.RETIRING: _retiring,
    Phase.RESTORING: _restoring,
    Phase.UNDOING: _undoing,
    Phase.DONE: _over,
    Phase.FAILED: _over,
}
