"""The rollout as a pure state machine: (state, units seen, now) → (state, what to ask of the engine, what to tell).

The loop that drives it only looks, acts and sleeps. Every request is worked out from what is seen, so it may be made
again when nobody knows what became of it; a look that shows the wish come true ends it.

  start-first   STARTING ─ STOPPING_OLD ─ next batch …  SETTLING ─ RETIRING ─ CONFIRMING ─ DONE
  stop-first    STOPPING_OLD ─ STARTING ─ next batch …  SETTLING ─ RETIRING ─ CONFIRMING ─ DONE
  on failure    RESTORING and UNDOING (start-first: restored before the new ones go; stop-first: after) ─ FAILED

Earlier instances are parked (stopped and kept) until all that is wanted has stood for the settle time behind the last
batch. Every look judges all that has risen: up to the end a fault of any of it brings the earlier ones back, those that
are destroyed by then from their unit files, and DONE is said of a look that shows all of it up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from deployster_cli.domain import events
from deployster_cli.domain.events import Event, Failure
from deployster_cli.domain.rollout.looks import fault, looked, notice, progressed, wanted, with_the_old
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.rollout.state import (
    ASK_AGAIN_AFTER,
    PLACED_WITHIN,
    REFUSALS,
    REFUSED_AGAIN_AFTER,
    STALE_FOR,
    STOP_TOGETHER,
    Action,
    Listing,
    Phase,
    Rollout,
    Told,
    Verb,
    ask,
    back,
    end,
    enter,
    fail,
    next_step,
    park,
)
from deployster_cli.domain.rollout.tracking import Reason, Track, Traits, whole
from deployster_cli.domain.units.model import Condition, State, Unit
from deployster_cli.domain.units.names import UnitName

NEVER_STARTED = frozenset({State.INACTIVE, None})

# What an earlier instance was that need not come up again for things to be as they were.
_WAS_DOWN = frozenset({Condition.FAILED, Condition.RESTARTING, Condition.EXITED, Condition.WAITING})

Result = tuple[Rollout, tuple[Action, ...], tuple[Event, ...]]
Removal = tuple[Rollout, tuple[Action, ...], tuple[Event, ...], list[UnitName]]


def begin(plan: Plan, traits: Traits, now: float, hashes: Mapping[UnitName, str] | None = None) -> Told:
    """Return the rollout at its start, in the first phase that has something to do.

    ``hashes`` are the contents that units of the wanted release must have, by the engine's hash, where it is known.
    """
    kept = {name: Track(known=True, was_begun=True, was_ready=True) for name in plan.keep}
    known = kept | {name: Track(known=True) for name in plan.watch}
    return next_step(Rollout(plan=plan, traits=traits, hashes=hashes or {}, since=now, looked=now, tracks=known), now)


def advance(rollout: Rollout, seen: Sequence[Unit], now: float, listing: Listing = Listing.UNPROVEN) -> Result:
    """One look at all units of the engine. A phase that this look ends hands it on to the next, which asks at once."""
    units = {unit.name: unit for unit in seen}
    told: tuple[Event, ...] = ()
    rollout = looked(rollout, now)
    if rollout.away_since is not None:
        told = (events.EngineBack(now - rollout.away_since),)
        rollout = replace(rollout, away_since=None)
    rollout = with_the_old(replace(rollout, listing=listing), units)
    complete = listing is Listing.PROVEN and whole(seen)
    while True:
        phase = rollout.phase, rollout.step
        rollout, changed = notice(rollout, units, now)
        failure = fault(rollout, now)
        actions: tuple[Action, ...] = ()
        if failure:
            rollout, more = fail(rollout, failure, now)
        else:
            rollout, actions, more = _PHASES[rollout.phase](rollout, units, complete, now)
        told = (*told, *changed, *more)
        if phase == (rollout.phase, rollout.step):
            return progressed(rollout, units, now), actions, told


def away(rollout: Rollout, why: str, now: float, *, final: bool = False) -> Told:
    """Return a look, or a request, that the engine did not answer: waited out until the phase's time limit, unless
    waiting can't help (``final``).
    """
    told: tuple[Event, ...] = ()
    rollout = looked(rollout, now)
    rollout = replace(rollout, tracks={name: track.unlooked(now) for name, track in rollout.tracks.items()})
    if rollout.away_since is None:
        rollout, told = replace(rollout, away_since=now), (events.EngineAway(why),)
    if not (final or _late(rollout, now)):
        return rollout, told
    failure = rollout.failure or Failure(Reason.AWAY, text=why)
    ended = end(replace(rollout, failure=failure), rollout.working_on)
    return ended, (*told, *(() if rollout.failure else (events.Failed(failure),)))


def unanswered(rollout: Rollout, action: Action) -> Rollout:
    """Return the same state with the request not made: nobody knows what became of it, so the next look decides."""
    asked = {key: at for key, at in rollout.asked.items() if key not in {(action.verb, n) for n in action.names}}
    return replace(rollout, asked=asked)


def refused(rollout: Rollout, action: Action, text: str, now: float, *, final: bool = False) -> Told:
    """Return the engine would not take a request, or said so: it may have done it all the same. The next look decides,
    and it is asked again. The rollout fails after REFUSALS in a row, or at once where asking again can't help
    (``final``).

    On the way back, and where there is none any more, only the time limit ends the asking: half is worse than none.
    """
    count = rollout.refusals.get(action.verb, 0) + 1
    again = now - ASK_AGAIN_AFTER + REFUSED_AGAIN_AFTER
    rollout = replace(
        rollout,
        refusals={**rollout.refusals, action.verb: count},
        asked={**rollout.asked, **{(action.verb, n): again for n in action.names}},
    )
    if rollout.failure or rollout.committed or (count < REFUSALS and not final):
        return rollout, ()
    return fail(rollout, Failure(Reason.REFUSED, action.names, text=text), now)


def condemned(rollout: Rollout, failure: Failure, now: float) -> Told:
    """Return the engine's units look as if they may come up yet, and a journal tells that this one won't."""
    return (rollout, ()) if rollout.over or rollout.failure else fail(rollout, failure, now)


def _settled(rollout: Rollout, now: float, settle: float) -> list[UnitName]:
    return [name for name in rollout.judged if rollout.tracks[name].settled(now, settle)]


def _starting(rollout: Rollout, units: Mapping[UnitName, Unit], _: bool, now: float) -> Result:
    step, settle = rollout.now_in, rollout.plan.policy.settle
    rollout, actions = ask(rollout, Verb.START, tuple(n for n in step.start if _to_start(rollout, n, units)), now)
    ready = _settled(rollout, now, settle)
    rollout, told = _tell_unplaced(rollout, now)
    rollout, more = _tell_ready(rollout, [n for n in step.up if n in ready], units, now)
    told = (*told, *more)
    if len(ready) == len(rollout.judged):
        rollout, more = _risen(rollout, now)
        return rollout, (), (*told, *more)
    return _unless_not_up((rollout, actions, told), ready, now)


def _to_start(rollout: Rollout, name: UnitName, units: Mapping[UnitName, Unit]) -> bool:
    """Whether it was not put in yet, or not told to run. One that was listed and no longer is was taken away, and must
    not be started anew while its machine may still be stopping it.
    """
    unit = units.get(name)
    if unit is None:
        return rollout.listing is not Listing.SHORT and not rollout.tracks[name].known
    return unit.desired not in {None, State.LAUNCHED}


def _tell_ready(
    rollout: Rollout, names: Sequence[UnitName], units: Mapping[UnitName, Unit], now: float
) -> tuple[Rollout, tuple[Event, ...]]:
    fresh = [units[n] for n in names if n not in rollout.finished and n in units]
    told = tuple(events.Ready(unit, now - rollout.since) for unit in fresh)
    return replace(rollout, finished=rollout.finished | {u.name for u in fresh}), told


def _tell_unplaced(rollout: Rollout, now: float) -> Told:
    """Say once, long before the time limit, that units are on no machine: their rules may be wrong."""
    units = [rollout.tracks[name].unit for name in rollout.now_in.up]
    nowhere = tuple(u.name for u in units if u is not None and u.condition is Condition.WAITING)
    if rollout.warned or not nowhere or now - rollout.since < PLACED_WITHIN:
        return rollout, ()
    return replace(rollout, warned=True), (events.NoMachineYet(nowhere),)


def _risen(rollout: Rollout, now: float) -> Told:
    """Return the batch is up: what it replaces stops. From here on none of the new ones may die."""
    ready = {name: rollout.tracks[name].ready() for name in rollout.started}
    rollout = replace(rollout, tracks={**rollout.tracks, **ready})
    if (rollout.stop_first and rollout.now_in.up) or not rollout.now_in.retire:
        return next_step(rollout, now)
    return enter(rollout, Phase.STOPPING_OLD, now)


def _unless_not_up(result: Result, up: Sequence[UnitName], now: float) -> Result:
    """Go on waiting for what is judged and not ``up``, or fail where the phase's time is up."""
    rollout, actions, told = result
    if not _late(rollout, now):
        return rollout, actions, told
    names = [name for name in rollout.judged if name not in up]
    rollout, more = fail(rollout, _not_up(rollout, names), now)
    return rollout, (), (*told, *more)


def _not_up(rollout: Rollout, names: Sequence[UnitName]) -> Failure:
    """Return what to say of units that did not come up in time: the one on no machine is the one to tell of."""
    units = [rollout.tracks[name].unit for name in names]
    nowhere = [u for u in units if u is not None and u.machine is None]
    if nowhere:
        return Failure(Reason.NO_MACHINE, tuple(u.name for u in nowhere), nowhere[0])
    return Failure(Reason.NOT_YET, tuple(names), units[0])


def _stopping_old(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    names, unloading = rollout.now_in.retire, rollout.stop_first or not rollout.last_step
    off = {n for n in names if _is_parked(units.get(n), unloaded=unloading) or _is_gone(rollout, n, complete)}
    here = [units[n] for n in names if n in units and n not in off and not units[n].silent]
    rollout, stop = ask(rollout, Verb.STOP, tuple(u.name for u in here if _to_stop(u)), now)
    rollout, unload = ask(rollout, Verb.UNLOAD, _stopped(rollout, here, now) if unloading else (), now)
    rollout, told = _tell_gone(rollout, off, now, parked=True)
    if len(off) == len(names):
        rollout, more = _parked(park(rollout), now)
        return rollout, (), (*told, *more)
    return _unless_late((rollout, stop + unload, told), [n for n in names if n not in off], now)


def _to_stop(unit: Unit) -> bool:
    return not unit.stopped or wanted(unit)


def _parked(rollout: Rollout, now: float) -> Told:
    return enter(rollout, Phase.STARTING, now) if rollout.now_in.up and rollout.stop_first else next_step(rollout, now)


def _is_parked(unit: Unit | None, *, unloaded: bool) -> bool:
    """Whether it is stopped, and, where something else is to take its place, off its machine."""
    if unit is None or _to_stop(unit):
        return False
    return not unloaded or (unit.desired is State.INACTIVE and unit.current in NEVER_STARTED)


def _is_gone(rollout: Rollout, name: UnitName, complete: bool) -> bool:
    """In no list: believed at once of a listing that is proven and looks complete, else when the next one agrees."""
    return rollout.tracks[name].absent >= (1 if complete else 2)


def _tell_gone(rollout: Rollout, names: Collection[UnitName], now: float, *, parked: bool = False) -> Told:
    fresh = sorted(n for n in names if n not in rollout.finished)
    told = tuple(events.Gone(name, now - rollout.since, parked) for name in fresh)
    return replace(rollout, finished=rollout.finished | set(fresh)), told


def _settling(rollout: Rollout, _: Mapping[UnitName, Unit], __: bool, now: float) -> Result:
    settle = rollout.plan.policy.settle if rollout.plan.steps else 0
    up = _settled(rollout, now, settle)
    if len(up) == len(rollout.judged) and (not rollout.stands_alone or now - rollout.since >= settle):
        rollout, told = enter(rollout, Phase.RETIRING if rollout.parked else Phase.CONFIRMING, now)
        return rollout, (), told
    return _unless_not_up((rollout, (), ()), up, now)


def _confirming(rollout: Rollout, _: Mapping[UnitName, Unit], __: bool, now: float) -> Result:
    """All is done; it is over as soon as a look shows all of the wanted release up."""
    up = _settled(rollout, now, 0)
    if len(up) == len(rollout.judged):
        return replace(rollout, phase=Phase.DONE), (), ()
    return _unless_not_up((rollout, (), ()), up, now)


def _remove(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Removal:
    """Stop what runs, destroy what is stopped, and see what is left; each kind is one request, if all stop as fast."""
    names = rollout.working_on
    gone = {n for n in names if _is_gone(rollout, n, complete)}
    here = [units[n] for n in names if n in units and units[n].desired is not None and not units[n].silent]
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
    destroying = any(verb is Verb.DESTROY for verb, _ in rollout.asked)
    rollout = replace(rollout, committed=rollout.committed or (destroying and bool(rollout.judged)))
    if not left:
        if not rollout.judged:
            return replace(rollout, phase=Phase.DONE), (), told
        rollout, more = enter(rollout, Phase.CONFIRMING, now)
        return rollout, (), (*told, *more)
    return _unless_late((rollout, actions, told), left, now)


def _undoing(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    rollout, actions, told, left = _remove(rollout, units, complete, now)
    if not left:
        rollout, more = back(rollout, now)
        return rollout, (), (*told, *more)
    if _late(rollout, now) or _all_lost(rollout, left):  # what won't go is no reason to leave the earlier ones down
        rollout, more = back(replace(rollout, left=tuple(left)), now)
        return rollout, (), (*told, *more)
    return rollout, actions, told


def _restoring(rollout: Rollout, units: Mapping[UnitName, Unit], complete: bool, now: float) -> Result:
    """Start the earlier instances again, and put those in anew that this run has destroyed. Those that were not up
    before are not waited for.
    """
    names = rollout.up_before
    off = [n for n in names if not wanted(units.get(n))]
    gone = [n for n in off if _is_gone(rollout, n, complete)]
    still = [n for n in off if n not in gone or n in rollout.files]
    # Not before its machine has let go of it, which one listing may be wrong about.
    anew = tuple(n for n in still if n not in units and rollout.tracks[n].absent > 1)
    rollout, start = ask(rollout, Verb.START, anew, now)
    there = tuple(n for n in still if not (rollout.committed and _is_leaving(units.get(n))))
    rollout, resume = ask(rollout, Verb.RESUME, there, now)
    back_up = [n for n in names if rollout.tracks[n].settled(now, 0)]
    rollout, told = _tell_ready(rollout, back_up, units, now)
    awaited = [n for n in rollout.up_before if rollout.old[n] not in _WAS_DOWN]
    lost = [n for n in awaited if (n in gone and n not in still) or _lost(rollout, n, now)]
    missing = [n for n in awaited if n not in {*back_up, *lost}]
    if lost and not missing:
        return end(rollout, tuple(lost) if rollout.stop_first else rollout.started), (), told
    if not missing and not still:
        rollout, more = back(rollout, now)
        return rollout, (), (*told, *more)
    return _unless_late((rollout, start + resume, told), missing, now)


def _is_leaving(unit: Unit | None) -> bool:
    """Whether its file is gone already, or just not listed."""
    return unit is None or unit.desired is None


def _lost(rollout: Rollout, name: UnitName, now: float) -> bool:
    """Whether it won't come back. What its stopping left in the listing does not count: "failed", where it died of the
    signal.
    """
    track = rollout.tracks[name]
    reason = track.fault(now, rollout.traits)
    stale = reason is Reason.FAILED and not track.was_begun and now - rollout.asked_at < STALE_FOR
    return reason is not None and not stale


def _late(rollout: Rollout, now: float) -> bool:
    return now - rollout.progressed > rollout.plan.policy.timeout


def _unless_late(result: Result, left: Sequence[UnitName], now: float) -> Result:
    """Go on waiting for ``left``, or fail where the phase's time is up, or the machines of all of these are lost (a
    failure that came first stays the reason).
    """
    rollout, _, told = result
    lost = _all_lost(rollout, left)
    if not (lost or _late(rollout, now)):
        return result
    if rollout.failure:
        return end(rollout, tuple(left)), (), told
    unit = rollout.tracks[left[0]].unit
    rollout, more = fail(rollout, Failure(Reason.LOST if lost else Reason.NOT_GONE, tuple(left), unit), now)
    return rollout, (), (*told, *more)


def _all_lost(rollout: Rollout, names: Sequence[UnitName]) -> bool:
    """Whether nothing but units on lost machines is waited for."""
    return bool(names) and all(rollout.tracks[name].lost for name in names)


def _over(rollout: Rollout, _: Mapping[UnitName, Unit], __: bool, ___: float) -> Result:
    return rollout, (), ()


_PHASES: dict[Phase, Callable[[Rollout, Mapping[UnitName, Unit], bool, float], Result]] = {
    Phase.STARTING: _starting,
    Phase.STOPPING_OLD: _stopping_old,
    Phase.SETTLING: _settling,
    Phase.RETIRING: _retiring,
    Phase.CONFIRMING: _confirming,
    Phase.RESTORING: _restoring,
    Phase.UNDOING: _undoing,
    Phase.DONE: _over,
    Phase.FAILED: _over,
}
