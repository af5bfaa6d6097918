"""What a task's unit writes, told as it comes, and all of it once the unit has ended."""

from __future__ import annotations

from collections.abc import Iterable

from deployster_cli.domain.events import Changed, Event, Journal, Noticed, TaskOutput, Tell
from deployster_cli.domain.units.journal import Entry, Lines
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.wording import count
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.following import Follower, behind

# Seconds between looks at what has come.
_LOOK = 0.1

_REMARKS = 10

# Lines that one event tells at most.
_AT_ONCE = 1000

# Seconds between two looks at a journal that has nothing new: what a process wrote last is on its way to journald when
# it ends.
_STILL = 0.4

_QUIET_LOOKS = 2


class TaskJournal:
    """The output of one unit: followed while it runs, and what has not come by then fetched when it has ended."""

    def __init__(self, engine: Engine, name: UnitName, clock: Clock, tell: Tell) -> None:
        self.engine = engine
        self.name = name
        self.clock = clock
        self._tell = tell
        self._silent = True
        self._follower: Follower | None = None
        self._last: Entry | None = None
        self._lines = Lines()
        self._dropped = 0
        self._problem = ""
        self._remarks: list[str] = []

    def see(self, event: Event) -> None:
        """Begin to follow once a machine reports the unit: before that fleet has no journal of it."""
        if self._follower is None and isinstance(event, Changed) and event.unit.reported:
            self._follower = Follower(self.engine, self.name, None)

    def pause(self, seconds: float) -> None:
        """Tell what comes within that time."""
        end = self.clock.now() + seconds
        while True:
            self.news()
            left = end - self.clock.now()
            if left < _LOOK / 100:
                return
            self.clock.sleep(min(left, _LOOK))

    def news(self) -> None:
        """Tell what has come."""
        while self._follower and (entries := self._follower.taken()):
            self._tell_entries(entries)
        trouble = self._follower.trouble if self._follower else None
        self._tell_problem(trouble.message if trouble else "")

    def rest(self) -> None:
        """Tell what the stream had not brought when the unit ended: all that is in the journal behind that."""
        if self._follower:
            self._follower.close()
            self.news()
        quiet = 0
        try:
            while quiet < _QUIET_LOOKS:
                before = self._last
                _, entries = behind(self.engine, self.name, before)
                self._tell_entries(entries)
                quiet = quiet + 1 if self._last is before else 0
                if quiet < _QUIET_LOOKS:
                    self.clock.sleep(_STILL)
        except EngineError as error:
            self._tell_problem(error.message)
            if not self._silent:
                self._tell(Noticed(f"The end of what it wrote is missing: {error.message}"))
        self._tell_lines(self._lines.rest())
        if self._dropped:
            self._tell(Noticed(f"journald suppressed {count(self._dropped, 'message')} of it: they are lost."))

    def remarks(self) -> None:
        """Tell what systemd said of a unit that itself said nothing."""
        if self._silent and self._remarks:
            self._tell(Journal(self.name, tuple(self._remarks[-_REMARKS:])))

    def close(self) -> None:
        """Follow no more."""
        if self._follower:
            self._follower.close()

    def _tell_entries(self, entries: Iterable[Entry]) -> None:
        lines: list[str] = []
        for entry in entries:
            self._last = entry
            self._dropped += entry.dropped
            if entry.own:
                lines += self._lines.feed(entry)
            else:
                self._remarks = [*self._remarks, *entry.text.split("\n")][-_REMARKS:]
            if len(lines) >= _AT_ONCE:
                self._tell_lines(lines)
                lines = []
        self._tell_lines(lines)

    def _tell_lines(self, lines: list[str]) -> None:
        if lines:
            self._silent = False
            self._tell(TaskOutput(tuple(lines)))

    def _tell_problem(self, problem: str) -> None:
        if problem and problem != self._problem:
            self._problem = problem
            self._tell(Journal(self.name, (), problem))
