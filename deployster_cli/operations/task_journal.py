"""What a task's unit writes, told as it comes, and all of it once the unit has ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deployster_cli.domain.events import Changed, Event, Journal, TaskOutput
from deployster_cli.domain.journal import Entry
from deployster_cli.domain.names import UnitName
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.following import REOPENED, Follower, behind

_LOOK = 0.1
"""Seconds between looks at what has come."""

_WHOLE = 1_000_000
"""Entries to ask for: all of them. The unit's name is of this run, so nothing older can be among them."""

_REMARKS = 10
_AT_ONCE = 1000
"""Lines that one event tells at most."""


class TaskJournal:
    """The output of one unit: followed while it runs, and what has not come by then fetched when it has ended."""

    def __init__(self, engine: Engine, name: UnitName, clock: Clock) -> None:
        self.engine = engine
        self.name = name
        self.clock = clock
        self._silent = True
        self._follower: Follower | None = None
        self._problem = ""
        self._remarks: list[str] = []

    def see(self, event: Event) -> None:
        """Begin to follow once a machine reports the unit: before that fleet has no journal of it."""
        if self._follower is None and isinstance(event, Changed) and event.unit.reported:
            self._follower = Follower(self.engine, self.name, _WHOLE)

    def pause(self, seconds: float) -> Iterator[Event]:
        """Tell what comes within that time."""
        end = self.clock.now() + seconds
        while True:
            yield from self.news()
            left = end - self.clock.now()
            if left < _LOOK / 100:
                return
            self.clock.sleep(min(left, _LOOK))

    def news(self) -> Iterator[Event]:
        """Tell what has come."""
        if self._follower:
            yield from self._told(self._follower.taken())
            trouble = self._follower.trouble
            yield from self._in_trouble(trouble.message if trouble else "")

    def rest(self) -> Iterator[Event]:
        """Tell what the stream had not brought when the unit ended."""
        last = None
        if self._follower:
            self._follower.close()
            while told := list(self.news()):
                yield from told
            last = self._follower.last
        try:
            entries = self.engine.entries(self.name, REOPENED if last else _WHOLE)
            yield from self._told(behind(entries, last))
        except EngineError as error:
            yield from self._in_trouble(error.message)

    def remarks(self) -> Iterator[Event]:
        """What systemd said of a unit that itself said nothing."""
        if self._silent and self._remarks:
            yield Journal(self.name, tuple(self._remarks[-_REMARKS:]))

    def close(self) -> None:
        """Follow no more."""
        if self._follower:
            self._follower.close()

    def _told(self, entries: Iterable[Entry]) -> Iterator[Event]:
        lines: list[str] = []
        for entry in entries:
            (lines if entry.own else self._remarks).extend(entry.text.split("\n"))
            if len(lines) >= _AT_ONCE:
                yield self._said(lines)
                lines = []
        if lines:
            yield self._said(lines)

    def _said(self, lines: list[str]) -> TaskOutput:
        self._silent = False
        return TaskOutput(tuple(lines))

    def _in_trouble(self, problem: str) -> Iterator[Event]:
        if problem and problem != self._problem:
            self._problem = problem
            yield Journal(self.name, (), problem)
