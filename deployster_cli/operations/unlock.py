"""Taking a lock away that another run holds: whether that run lives is looked for first, and afterwards too."""

from __future__ import annotations

from enum import Enum

from deployster_cli.domain.lock import RENEW_AFTER, Note
from deployster_cli.engines.base import Engine
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.lock import dead

WATCHED_FOR = RENEW_AFTER + 5.0
"""Seconds in which a run that lives renews its lock, or puts it back."""

_STILL_SILENT = 5.0
"""Seconds to look for the lock of a run that was watched before."""

_LOOK = 1.0


class Life(Enum):
    """What is known of a lock's owner, as words for a person."""

    ALIVE = "which is alive: it would take the lock right back"
    SILENT = f"which gave no sign of life for {WATCHED_FOR:g} s"
    DEAD = "which is dead"


def life(engine: Engine, note: Note, clock: Clock) -> Life:
    """Whether the note's owner lives, once it was watched."""
    if dead(note):
        return Life.DEAD
    return Life.SILENT if _watched(engine, note.service, note, clock, WATCHED_FOR) == note else Life.ALIVE


def take_away(engine: Engine, note: Note, clock: Clock, seen: Life | None) -> Note | None:
    """Take the lock away; the note that is there by and by, if any. ``seen`` is what is known of its owner."""
    engine.locks.drop(note.service)
    if dead(note):
        return None
    return _watched(engine, note.service, None, clock, _STILL_SILENT if seen is Life.SILENT else WATCHED_FOR)


def _watched(engine: Engine, service: str, note: Note | None, clock: Clock, limit: float) -> Note | None:
    """The lock's note as soon as it is another than this one, or else when the time is over."""
    until = clock.now() + limit
    while clock.now() < until:
        clock.sleep(_LOOK)
        found = engine.locks.read(service)
        if found != note:
            return found
    return note
