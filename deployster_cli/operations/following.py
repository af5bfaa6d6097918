"""One unit's journal followed by a thread, so that whoever waits for several things at once need not wait for it.

A stream that breaks is opened again and goes on behind the last entry that was taken.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable

from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.base import Engine, Entries
from deployster_cli.errors import EngineError

# Entries to look back for when a stream is opened again where no cursor tells what came meanwhile.
REOPENED = 1000

# Entries that wait to be taken. Then the thread waits, and whatever sends them does too.
_ROOM = 1000

# Seconds before a stream is opened again, the longer the oftener that has brought nothing.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0

_JOIN = 5.0
_LOOK = 0.2


class Follower:
    """Follows one unit from its last ``lines`` entries on. ``trouble`` says why there is nothing to be had at present.

    ``lines`` None is all there are. ``at`` is the machine where a global unit is followed, ``last`` is the last entry
    that was taken.
    """

    def __init__(self, engine: Engine, name: UnitName, lines: int | None, at: Machine | None = None) -> None:
        self.name = name
        self.at = at
        self.trouble: EngineError | None = None
        self.last: Entry | None = None
        self._engine = engine
        self._lines = lines
        self._waiting: queue.Queue[Entry] = queue.Queue(_ROOM)
        self._put: Entry | None = None
        self._over = threading.Event()
        self._entries: Entries | None = None
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"journal of {name.text}", daemon=True)
        self._thread.start()

    def taken(self) -> list[Entry]:
        """Return the entries that have come since the last time; never waits."""
        found: list[Entry] = []
        while len(found) < _ROOM:
            try:
                found.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        if found:
            self.last = found[-1]
        if self._fault and not found:
            raise self._fault
        return found

    def close(self) -> None:
        """End it, and whatever brings the entries; those that have come may still be taken."""
        self.stop()
        self._thread.join(_JOIN)

    def stop(self) -> None:
        """Have it end soon: for who has many to close."""
        self._over.set()
        if self._entries:
            self._entries.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._over.is_set():
            before = self._put
            try:
                self._read()
                self.trouble = None
            except EngineError as error:
                self.trouble = error
            except Exception as fault:  # whoever takes the entries hears of it
                self._fault = fault
                return
            pause = min(pause * 2, _LONGEST_PAUSE) if self._put == before else _FIRST_PAUSE
            self._over.wait(pause)

    def _read(self) -> None:
        self._entries, entries = behind(self._engine, self.name, self._put, self._lines, follow=True, at=self.at)
        if self._over.is_set():
            self._entries.close()
        for entry in entries:
            self.trouble = None
            if not self._hand_over(entry):
                return

    def _hand_over(self, entry: Entry) -> bool:
        """Whether there was room for it before the end."""
        while not self._over.is_set():
            try:
                self._waiting.put(entry, timeout=_LOOK)
            except queue.Full:
                continue
            self._put = entry
            return True
        return False


def behind(
    engine: Engine,
    name: UnitName,
    last: Entry | None,
    lines: int | None = None,
    *,
    follow: bool = False,
    at: Machine | None = None,
) -> tuple[Entries, Iterable[Entry]]:
    """Return the unit's entries behind ``last``, or the last ``lines`` where there is none yet; and what
    brings them.
    """
    if last is None or last.cursor:
        entries = engine.entries(name, lines, follow=follow, at=at, after=last.cursor if last else "")
        return entries, entries
    entries, place = engine.entries(name, REOPENED, follow=follow, at=at), last.place
    return entries, (entry for entry in entries if entry.place > place)
