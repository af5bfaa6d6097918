"""What a rollout remembers of one unit between two looks at the engine, and what it makes of it.

A listing can be short, a row can be late, and what happens between two looks is missed: so nothing is believed of a
single look that a second one can check, some time later. Times are seconds of one clock that only goes forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from deployster_cli.domain.units.model import Condition, State, Unit

# Seconds between two looks without a unit that count as two: looks may come sooner, a short listing does not get whole
# any faster.
APART = 0.9

# Looks in a row without the unit before it counts as gone while it should be starting.
ABSENT_LOOKS = 3

# Seconds that a unit which was active may look dead: fleet's machines report once a second.
DEAD_FOR = 1.0

# Seconds that a unit which was never seen active may look dead: its machine reports late.
ENDED_FOR = 5.0

# The same where its machine may have been lost. What a lost one reported last is listed for as long as fleet waits for
# its next sign of life, which is 30 s (fleet 1.0.0: agent_ttl); then the unit is put on another machine. Of a copy of a
# global unit nobody says whether its machine has begun to start it: fleet's agent, which looks every 5 s, first loads
# it.
LOST_FOR = 40.0

# systemd's active states of a unit whose processes are coming, running or going.
_BEGUN = frozenset({"activating", "active", "reloading", "deactivating"})

# One restart may be bad luck, the second is a crash loop.
RESTARTS_ALLOWED = 1

# Seconds over RestartSec after which an unbroken auto-restart must have been two of them.
RESTART_SLACK = 1.8


@dataclass(frozen=True, slots=True)
class Limits:
    """What a story is judged by, in seconds: the unit's RestartSec, and how long it may look dead if it was never seen
    active.
    """

    restart_pause: float = 0.1
    dead_for: float = ENDED_FOR


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rendered unit and its engine say about it: it is meant to end (oneshot), and what its story is judged
    by.
    """

    oneshot: bool = False
    limits: Limits = field(default_factory=Limits)


class Reason(Enum):
    """Why a rollout failed."""

    FAILED = "failed"
    CRASH_LOOP = "keeps crashing"
    UNHEALTHY = "not healthy"
    DIED = "died"
    ENDED = "ended"
    GONE = "gone"
    NO_MACHINE = "no machine fits"
    NOT_YET = "not running in time"
    NOT_GONE = "not gone in time"
    NOT_RESTORED = "not running again in time"
    REFUSED = "refused"
    AWAY = "engine away"
    LOST = "its machine does not answer"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Track:
    """One unit's story so far.

    ``up_since`` is when it was first seen running without a break since, ``absent`` the looks in a row that did not
    list it, counting those that are APART; ``silent``: the last one listed it without a report of its machine, though
    there had been one. ``missed_at`` is when a look last told nothing of it. ``known``: it is known to be there before
    the first look. ``was_begun``: its process was seen coming or running; ``was_ready``: it had settled once. A global
    unit's ``copies`` have a story each, by machine; its own then only tells whether it is there and wanted.
    """

    unit: Unit | None = None
    known: bool = False
    up_since: float | None = None
    ended_since: float | None = None
    restart_since: float | None = None
    restarts: int = 0
    first_restarts: int | None = None
    absent: int = 0
    silent: bool = False
    missed_at: float | None = None
    was_active: bool = False
    was_begun: bool = False
    was_ready: bool = False
    was_wanted: bool = False
    copies: Mapping[str, Track] = field(default_factory=dict)

    def look(self, unit: Unit | None, now: float, traits: Traits) -> Track:
        """Return the story after one more look, in which ``unit`` was seen (None: not listed at all)."""
        if unit is None:
            unseen = {at: copy.look(None, now, traits) for at, copy in self.copies.items()}
            return replace(self._missed(now, absent=True), copies=unseen)
        begun = Track(was_ready=self.was_ready and self.unit is None)
        copies = {
            copy.machine.id: self.copies.get(copy.machine.id, begun).look(copy, now, traits)
            for copy in unit.copies
            if copy.machine
        }
        return replace(self._seen(unit, now, traits), copies=copies)

    def _seen(self, unit: Unit, now: float, traits: Traits) -> Track:
        if self._moved(unit):  # elsewhere it is started anew, and may have as bad luck as any other
            return Track(known=True, was_wanted=self.was_wanted)._seen(unit, now, traits)
        condition = unit.condition
        if self.was_active and not unit.reported:
            return replace(self._missed(now), unit=unit, absent=0)
        dead = condition is Condition.EXITED
        ended = dead or (condition is Condition.COMPLETED and not traits.oneshot)
        restarting = condition is Condition.RESTARTING
        track = Track(
            unit=unit,
            known=True,
            up_since=self.up_since,
            ended_since=_since(self.ended_since, now, ended),
            restart_since=_since(self.restart_since, now, restarting),
            restarts=self.restarts + (restarting and self.restart_since is None),
            first_restarts=unit.restarts if self.first_restarts is None else self.first_restarts,
            was_active=self.was_active or unit.active == "active",
            was_begun=self.was_begun or unit.active in _BEGUN,
            was_ready=self.was_ready,
            was_wanted=self.was_wanted or unit.desired is State.LAUNCHED,
        )
        done = traits.oneshot and (condition is Condition.COMPLETED or (dead and track._ended(now, traits)))
        return replace(track, up_since=_since(self.up_since, now, condition is Condition.RUNNING or done))

    def _moved(self, unit: Unit) -> bool:
        """Whether it is on another machine than before."""
        last = self.unit.machine if self.unit else None
        return last is not None and unit.machine is not None and last.id != unit.machine.id

    def unlooked(self, now: float) -> Track:
        """Return the story after a look that the engine did not answer, or whose listing was short."""
        copies = {at: copy.unlooked(now) for at, copy in self.copies.items()}
        return replace(self._missed(now), copies=copies)

    def slept(self) -> Track:
        """Return the story after a long time in which nobody could look: nobody knows how it has been meanwhile."""
        return replace(self, up_since=None, copies={at: copy.slept() for at, copy in self.copies.items()})

    def _missed(self, now: float, *, absent: bool = False) -> Track:
        """Return the story after a look that told nothing of it, be it that it was not listed (``absent``) or only
        silent.
        """
        again = self.missed_at is None or now - self.missed_at >= APART
        track = replace(self, missed_at=now, up_since=None if self.hidden else self.up_since) if again else self
        if absent:
            return replace(track, absent=self.absent + (again or not self.absent))
        return replace(track, silent=True)

    @property
    def hidden(self) -> bool:
        """Whether the last look told nothing of it. One such look is no proof that it stopped; two are taken for it."""
        return self.silent or bool(self.absent)

    @property
    def lost(self) -> bool:
        """Whether it was on a machine, when last seen, that no run waits for any more."""
        return self.unit is not None and self.unit.lost

    def ready(self) -> Track:
        """Return the story of a unit that has settled: from here on its first restart counts."""
        copies = {at: copy.ready() for at, copy in self.copies.items()}
        count = self.unit.restarts if self.unit else None
        return replace(self, was_ready=True, restarts=0, first_restarts=count, copies=copies)

    def settled(self, now: float, settle: float) -> bool:
        """Whether it was seen running just now, on all its machines, and has been for ``settle`` seconds."""
        since = self.up_everywhere
        return since is not None and now - since >= settle

    @property
    def up_everywhere(self) -> float | None:
        """When it was seen running on the last of its machines, of which each was seen to do so just now; else None."""
        tracks = list(self.copies.values()) or [self]
        since = [track.up_since for track in tracks if track.up_since is not None and not track.hidden]
        return max(since) if len(since) == len(tracks) else None

    def fault(self, now: float, traits: Traits) -> Reason | None:
        """Why this unit will not come up, or is up no longer, as soon as that is certain."""
        if self.absent or self.unit is None:
            return Reason.GONE if self.known and self.absent >= ABSENT_LOOKS else None
        if self.was_wanted and self.unit.desired is not State.LAUNCHED:
            return Reason.GONE
        if self.copies:
            return next(filter(None, (copy.fault(now, traits) for copy in self.copies.values())), None)
        return self._ill(now, traits, self.unit)

    def _ill(self, now: float, traits: Traits, unit: Unit) -> Reason | None:
        """Why it will not come up, by what its machine tells of it."""
        if unit.lost:
            return Reason.LOST
        if unit.condition is Condition.FAILED:
            return Reason.FAILED
        if self.was_ready and (self._restarted or unit.condition is Condition.RESTARTING):
            return Reason.DIED  # systemd counts a restart when its pause is over
        if self._crash_loops(now, traits.limits.restart_pause):
            return Reason.CRASH_LOOP
        done = traits.oneshot and unit.condition is Condition.EXITED
        return Reason.ENDED if self._ended(now, traits) and not done else None

    def culprit(self, now: float, traits: Traits) -> Unit | None:
        """Whom a fault is about: the copy that has it, else the unit."""
        return next((copy.unit for copy in self.copies.values() if copy.fault(now, traits)), self.unit)

    @property
    def _counted(self) -> int | None:
        """How often it was restarted by systemd's own count, where the engine tells it."""
        count = self.unit.restarts if self.unit else None
        return None if count is None or self.first_restarts is None else count - self.first_restarts

    @property
    def _restarted(self) -> int:
        return self.restarts if self._counted is None else self._counted

    def _crash_loops(self, now: float, restart_pause: float) -> bool:
        too_long = self.restart_since is not None and now - self.restart_since > restart_pause + RESTART_SLACK
        return self._restarted > RESTARTS_ALLOWED or (too_long and self._counted is None)

    def _ended(self, now: float, traits: Traits) -> bool:
        begun = self.was_begun if traits.oneshot else self.was_active
        patience = DEAD_FOR if begun else traits.limits.dead_for
        return self.ended_since is not None and now - self.ended_since >= patience


def _since(before: float | None, now: float, holds: bool) -> float | None:
    if not holds:
        return None
    return now if before is None else before


def whole(units: Sequence[Unit]) -> bool:
    """Whether a listing looks complete: every unit that the registry says is launched has a machine's report.

    fleet under load leaves rows out without a word; then a unit's absence proves nothing.
    """
    return all(u.reported for u in units if u.desired is State.LAUNCHED and u.current is State.LAUNCHED)


# Seconds from one look to the next in a long wait.
SELDOM = 1.0

# The part of the time waited so far that may be lost by not looking.
_OF_THE_WAIT = 1 / 8

# A look that takes long means an engine that is busy, with us or with others.
_TIMES_THE_LOOK = 4


# Seconds after the moment when something is due, lest the look comes a hair too early.
_LATE = 1 / 64


def next_look(waited: float, took: float, soon: float, due: float | None = None) -> float:
    """Seconds until the next look, ``waited`` seconds after the last request; the last look took ``took`` seconds.

    ``soon`` is the shortest pause.

    Most of what is asked for happens within some seconds, so the first looks come soon; what takes minutes loses
    nothing by a second more. However it is, at most a fifth of the time is spent looking, up to one look in SELDOM.
    Where it is known that a look in ``due`` seconds may be the last one it does not come later.
    """
    pause = min(SELDOM, max(soon, waited * _OF_THE_WAIT, took * _TIMES_THE_LOOK))
    return pause if due is None or due < 0 else min(pause, due + _LATE)
