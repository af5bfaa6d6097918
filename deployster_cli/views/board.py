"""What a rollout is at, as a value: which instances it waits for, what each does, and how far all of it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from deployster_cli.domain import events
from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import Event
from deployster_cli.domain.units.model import Condition, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.wording import where
from deployster_cli.views.text import Row

_LISTED = "until the engine lists it"
_STOPPED, _LET_GO = "until its stop commands are done", "until its machine has removed it"

# What an instance that is to run waits for.
_RISING = {
    Condition.WAITING: "until a machine takes it",
    Condition.STARTING: "until its start commands are done",
    Condition.UNKNOWN: "until its machine reports it",
    Condition.RUNNING: "until it has settled",
    Condition.COMPLETED: "until it has settled",
    Condition.RESTARTING: "until systemd starts it again",
    Condition.STOPPING: _STOPPED,
    Condition.REMOVING: _LET_GO,
}

# The same for a task: to systemd all of its run is a start.
_ENDING = {
    **_RISING,
    Condition.STARTING: "until its command ends",
    Condition.COMPLETED: "until its output has arrived",
}


@dataclass(slots=True)
class Board:
    """Follows the events of a rollout. ``began`` is when what goes on now began, on the caller's clock."""

    doing: str = ""
    rising: bool = True
    task: bool = False
    step: int = 1
    steps: int = 1
    total: int = 0
    began: float = 0.0
    releases: frozenset[str] = frozenset()
    awaited: dict[UnitName, Unit | None] = field(default_factory=dict)
    seen: dict[UnitName, Unit] = field(default_factory=dict)

    def follow(self, event: Event, now: float) -> None:
        """Take one event in."""
        if isinstance(event, events.Changed | events.Ready):
            self.seen[event.unit.name] = event.unit
        match event:
            case events.TaskStarted() | events.TaskDone():
                self.task = isinstance(event, events.TaskStarted)
            case events.Starting(step, steps, names, watch):
                self._turn("Starting", (*names, *watch), now, rising=True)
                self.step, self.steps = step, steps
            case events.Restoring(names):
                self._turn("Starting again", names, now, rising=True)
            case events.Parking(names):
                self._turn("Stopping", names, now, rising=False)
            case events.Settling(names, _):
                self._turn("Watching", names, now, rising=True)
            case events.Retiring(names, undo):
                self._turn("Undoing" if undo else "Retiring", names, now, rising=False)
            case events.Changed(unit, _) if unit.name in self.awaited:
                self.awaited[unit.name] = unit
            case events.Ready(unit, _):
                self.awaited.pop(unit.name, None)
            case events.Gone(name, _, _):
                self.awaited.pop(name, None)

    def _turn(self, doing: str, names: Sequence[UnitName], now: float, *, rising: bool) -> None:
        self.doing, self.rising, self.began = doing, rising, now
        self.step = self.steps = 1
        self.releases = frozenset(f"{name.service} {name.version}" for name in names)
        self.awaited, self.total = {name: self.seen.get(name) for name in names}, len(names)

    @property
    def done(self) -> int:
        """How many of those that this turn is about are where they should be."""
        return max(0, self.total - len(self.awaited))

    @property
    def fraction(self) -> float:
        """How far it is, from 0 to 1: with batches, of all of them."""
        return (self.step - 1 + (self.done / self.total if self.total else 0)) / self.steps

    def summary(self, now: float) -> str:
        """Return ``Starting 2 of 4, batch 1 of 2  12s  carousel 9f88701``."""
        batch = f", batch {self.step} of {self.steps}" if self.steps > 1 else ""
        elapsed = format_duration(max(0.0, now - self.began))
        return f"{self.doing} {self.done} of {self.total}{batch}  {elapsed}  {', '.join(sorted(self.releases))}"

    def rows(self, now: float) -> list[Row]:
        """One row an instance that is waited for: its name, state, machine, elapsed time and what it waits for.

        The name is ``@2`` where all are of one release.
        """
        elapsed = format_duration(max(0.0, now - self.began))
        return [self._row(name, unit, elapsed) for name, unit in sorted(self.awaited.items())]

    def _row(self, name: UnitName, unit: Unit | None, elapsed: str) -> Row:
        called = name.short if len(self.releases) > 1 else f"@{name.instance}"
        if unit is None:
            return called, "requested", "-", elapsed, _LISTED if self.rising else _STOPPED
        return called, unit.condition.value, where(unit), elapsed, self._waits(unit)

    def _waits(self, unit: Unit) -> str:
        if not self.rising:
            return self._leaving(unit)
        waits = (_ENDING if self.task else _RISING).get(unit.condition, "")
        tells_phase = unit.condition is Condition.STARTING and unit.sub and not self.task
        return f"{waits} ({unit.sub})" if tells_phase else waits

    @staticmethod
    def _leaving(unit: Unit) -> str:
        return _LET_GO if unit.stopped or unit.desired is None else _STOPPED
