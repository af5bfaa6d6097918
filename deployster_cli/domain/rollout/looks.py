"""What a rollout makes of one look at the engine: what became of the units that it follows, and which of them is at
fault. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deployster_cli.domain import events
from deployster_cli.domain.events import Failure
from deployster_cli.domain.rollout.state import FORWARD, Listing, Phase, Rollout, Told, Verb
from deployster_cli.domain.rollout.tracking import Reason, Track
from deployster_cli.domain.units.model import UP, Condition, State, Unit
from deployster_cli.domain.units.names import UnitName

_NO_NEWS = frozenset({Condition.EXITED, Condition.UNKNOWN, Condition.REMOVING, Condition.STOPPED})

_PLACED = frozenset({Condition.STARTING, Condition.UNKNOWN})


# Seconds from one look to the next, more of which mean that this very program was stopped, or its machine asleep.
LONGEST_GAP = 60.0

# What counts of them: an engine for which every look takes as long is not to be waited for without end.
_COUNTS = 15.0


def looked(rollout: Rollout, now: float) -> Rollout:
    """Return the state at a look, be it answered or not. After a long time without one, as where a laptop sleeps,
    nobody knows how the units have been meanwhile, and it hardly counts against them.
    """
    gap = now - rollout.looked
    rollout = replace(rollout, looked=now)
    if gap <= LONGEST_GAP:
        return rollout
    tracks = {name: track.slept() for name, track in rollout.tracks.items()}
    return replace(rollout, tracks=tracks, progressed=rollout.progressed + gap - _COUNTS)


def with_the_old(rollout: Rollout, units: Mapping[UnitName, Unit]) -> Rollout:
    """Return the state with what this look tells of the earlier instances: which are up, and what those are doing that
    have not been asked to stop.
    """
    names = rollout.plan.retire
    if rollout.listing is Listing.SHORT:
        return rollout
    serving = frozenset(n for n in names if n in units and units[n].condition in UP)
    touched = {*rollout.parked, *(n for verb, n in rollout.asked if verb is Verb.STOP)}
    old, stopping = dict(rollout.old), rollout.phase is Phase.STOPPING_OLD
    for name in names if rollout.phase in FORWARD else ():
        unit = units.get(name)
        if unit is None or name in touched:
            continue
        if not (stopping and name in rollout.now_in.retire):  # a stop that nobody answered may have been heard
            old.pop(name, None)
        if name in rollout.plan.halted and not wanted(unit):
            old[name] = Condition.RUNNING
        over = {Condition.FAILED, Condition.EXITED}  # a job that has ended well is not to run once more
        if wanted(unit) and any(copy.condition not in over for copy in unit.placements):
            unseen = unit.everywhere and not unit.reported
            old[name] = Condition.UNKNOWN if unseen else unit.condition
    served = serving if rollout.served is None else rollout.served
    return replace(rollout, old=old, serving=serving, served=served)


def notice(rollout: Rollout, units: Mapping[UnitName, Unit], now: float) -> Told:
    """Follow the units that are judged and those that this phase works on, and tell what changed about them."""
    tracks, told, changes = dict(rollout.tracks), dict(rollout.told), []
    rising = {*rollout.judged, *rollout.coming_up}
    for name in dict.fromkeys((*rollout.judged, *rollout.working_on)):
        unit, track = units.get(name), tracks.get(name, Track())
        if unit and unit.desired is None and name in rising:  # only its machine still lists it
            unit = None
        short = unit is None and rollout.listing is Listing.SHORT
        tracks[name] = track.unlooked(now) if short else track.look(unit, now, rollout.traits)
        if unit is None or name in rollout.finished:
            continue
        for each in unit.placements:
            key = name, each.machine.id if each.everywhere and each.machine else ""
            if _worth_telling(each, rising=name in rising) and told.get(key) != _sight(each):
                if not (name in rollout.plan.keep and key not in told and each.condition in UP):  # it ran all along
                    changes.append(events.Changed(each, now - rollout.since))
                told[key] = _sight(each)
    return replace(rollout, tracks=tracks, told=told), tuple(changes)


def progressed(rollout: Rollout, units: Mapping[UnitName, Unit], now: float) -> Rollout:
    """Return the state with how far each unit of the phase has come at most; that one got further is progress."""
    rising = set(rollout.coming_up)
    now_at = {n: _rank(units.get(n), rising=n in rising, finished=n in rollout.finished) for n in rollout.working_on}
    ranks = {name: max(rank, rollout.ranks.get(name, 0)) for name, rank in now_at.items()}
    further = any(rank > rollout.ranks.get(name, 0) for name, rank in ranks.items())
    return replace(rollout, ranks=ranks, progressed=now if further else rollout.progressed)


def _rank(unit: Unit | None, *, rising: bool, finished: bool) -> int:
    if finished or unit is None:
        return 4 if finished else 0
    if rising:
        return 3 if unit.condition in UP else 2 if unit.condition in _PLACED else 1
    return 3 if unit.desired is None else 2 if unit.stopped else int(unit.condition is Condition.STOPPING)


def _sight(unit: Unit) -> tuple[object, ...]:
    """Return what of a unit is told when it changes."""
    detail = unit.sub if unit.condition is Condition.STARTING else ""
    return unit.condition, unit.machine and unit.machine.id, detail


def _worth_telling(unit: Unit, *, rising: bool) -> bool:
    """Of a unit that goes, only that it is stopping: that it still runs, or is nearly gone, is not news.

    Of one that comes up, not that it looks dead or is not reported: it does and is for a moment between being loaded
    and being started, and when it is dead for good the rollout says so.
    """
    return unit.condition not in _NO_NEWS if rising else unit.condition is Condition.STOPPING


def fault(rollout: Rollout, now: float) -> Failure | None:
    """Why what has risen can't stay up, as soon as that is certain of one unit, or of its copy on one machine."""
    for name in rollout.judged:
        track = rollout.tracks[name]
        reason = track.fault(now, rollout.traits)
        if reason:
            return Failure(reason, (name,), track.culprit(now, rollout.traits))
        content, unit = rollout.hashes.get(name), track.unit
        if content and unit and unit.hash and unit.hash != content:
            return Failure(Reason.REPLACED, (name,), unit)
    return None


def wanted(unit: Unit | None) -> bool:
    """Whether it is there and meant to run."""
    return unit is not None and unit.desired is State.LAUNCHED
