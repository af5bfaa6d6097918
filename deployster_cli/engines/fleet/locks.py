"""Locks on fleet: each note is a unit that is submitted and never started.

``submit`` looks whether the registry has the unit and writes it a moment later, and the write overwrites without
looking (fleet 1.0.0, ``registry/job.go``: PrevIgnore). Two submits at once can each find their own note for a moment;
so a note counts only when enough time has passed for every submit that looked before it was written to have ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from deployster_cli.domain.lock import Note, unit_name
from deployster_cli.domain.units.unitfile import hash_of, write_options
from deployster_cli.engines.fleet import commands, results
from deployster_cli.engines.fleet.calls import SLEEPS, Calls, put
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.tempfolders import folder

# Seconds after a submit ended until its outcome can be read, at the least.
_SETTLES = 0.4

# Times as long as ours another's submit may take from its look to its write.
_SLOWER = 4


def settles(took: float) -> float:
    """Seconds to wait after a submit that took so many: others may be slower than this one was, its sleep left out."""
    return max(_SETTLES, _SLOWER * (took - SLEEPS))


class FleetLocks:
    """engines.base.Locks over fleetctl. ``listed`` gives what the last listing showed: the lock's unit → its hash."""

    def __init__(self, options: FleetOptions, calls: Calls, listed: Callable[[], Mapping[str, str]]) -> None:
        self._options = options
        self._calls = calls
        self._listed = listed

    def caveat(self) -> str:
        """Nobody."""
        return ""

    def put(self, note: Note, *, replace: bool = False) -> float:
        """Submit the note."""
        began = time.monotonic()
        with folder() as at:
            put(at, {note.unit: write_options(note.options())})
            argv = commands.submit(self._options, str(at), [note.unit], replace=replace)
            self._calls.note(argv, results.answer, SLEEPS)
        return settles(time.monotonic() - began)

    def read(self, service: str) -> Note | None:
        """Return the note in the registry. EngineError where a unit of that name is something else."""
        unit = unit_name(service)
        done = self._calls.read(commands.cat(self._options, unit))
        options = results.unit_options(done, unit)
        note = None if options is None else Note.read(options)
        if options is not None and note is None:
            raise results.no_lock(unit, done)
        return note

    def drop(self, service: str) -> None:
        """Destroy the note."""
        self._calls.note(commands.destroy(self._options, [unit_name(service)]), results.removed)

    def end(self, note: Note) -> bool:  # noqa: ARG002 - as Locks has it
        """Do nothing: there is one place for all notes."""
        return False

    def shown(self, note: Note) -> bool:
        """Whether the last listing had this very note, by its hash."""
        return self._listed().get(note.unit) == hash_of(write_options(note.options()))
