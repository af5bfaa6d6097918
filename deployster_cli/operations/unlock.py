"""Taking a lock away that another run holds: whether that run lives is looked for first, and afterwards too."""

from __future__ import annotations

from enum import Enum

from deployster_cli.domain.lock import RENEW_AFTER, Note
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, Locked
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.lock import dead

# Seconds in which a run that lives renews its lock, or puts it back.
WATCHED_FOR = RENEW_AFTER + 5.0

# Seconds to look for the lock of a run that was watched before.
_STILL_SILENT = 5.0

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
    """Take the lock away. The note of another run that has it by and by, if any; Locked where its owner took it back.

    ``seen`` is what is known of that owner. DeploysterError where the lock is gone, or another's, beforehand.
    """
    _refuse_another(engine.locks.read(note.service), note, clock)
    engine.locks.drop(note.service)
    if dead(note):
        engine.locks.end(note)
        return None
    limit = _STILL_SILENT if seen is Life.SILENT else WATCHED_FOR
    there = _watched(engine, note.service, None, clock, limit)
    if there and there.token == note.token:
        raise Locked(
            f"{note.service} is locked again, by the same run, which is alive: {note.told(clock.epoch())}.",
            f"End that run, and its lock goes with it: Ctrl-C there, or kill {note.pid} on {note.host}.",
        )
    engine.locks.end(note)
    return there


def _refuse_another(there: Note | None, note: Note, clock: Clock) -> None:
    if there is None:
        raise DeploysterError(f"{note.service} is not locked any more. Nothing was changed.")
    if there.token != note.token:
        raise DeploysterError(
            f"{note.service} is locked by another run by now: {there.told(clock.epoch())}. Nothing was changed.",
            "Ask again if that one is to be unlocked.",
        )


def _watched(engine: Engine, service: str, note: Note | None, clock: Clock, limit: float) -> Note | None:
    """Return the lock's note as soon as it is another than this one, or else when the time is over."""
    until = clock.now() + limit
    while clock.now() < until:
        clock.sleep(_LOOK)
        found = engine.locks.read(service)
        if found != note:
            return found
    return note
