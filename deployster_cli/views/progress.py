"""Progress: each event as it comes, on stderr, for a person at a terminal or for a log file."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from deployster_cli.domain import events
from deployster_cli.domain.events import Event
from deployster_cli.domain.model import Unit
from deployster_cli.domain.names import UnitName
from deployster_cli.views.output import Output, is_terminal, tell
from deployster_cli.views.sentences import sentence, waiting_for


class Lines(Protocol):
    """Somewhere progress is written to, line by line."""

    def write(self, tone: str, text: str) -> None:
        """One line."""
        ...

    def wait(self, text: str) -> None:
        """What is being waited for now."""
        ...

    def close(self) -> None:
        """No more lines."""
        ...


class DatedLines:
    """Off a terminal: one dated line an event, nothing that moves."""

    def write(self, tone: str, text: str) -> None:  # noqa: ARG002 - there is no colour in a log file
        """The line behind the time, UTC."""
        tell(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")

    def wait(self, text: str) -> None:
        """Nothing: a log file has no line that moves."""

    def close(self) -> None:
        """Nothing to take away."""


class NoLines:
    """``-q``: no progress."""

    def write(self, tone: str, text: str) -> None:
        """Nothing."""

    def wait(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Progress:
    """Tells events as they come."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._open: dict[UnitName, Unit] = {}

    def tell(self, event: Event) -> None:
        """The event's lines, and what is waited for after it."""
        for tone, text in sentence(event):
            self._lines.write(tone, text)
        self._follow(event)
        self._lines.wait(waiting_for(self._open.values()))

    def _follow(self, event: Event) -> None:
        match event:
            case events.Changed(unit, _):
                self._open[unit.name] = unit
            case events.Ready(unit, _):
                self._open.pop(unit.name, None)
            case events.Gone(name, _, _):
                self._open.pop(name, None)
            case events.Starting() | events.Retiring() | events.Parking() | events.Restoring():
                self._open.clear()

    def say(self, tone: str, text: str) -> None:
        """One line that is no event."""
        self._lines.write(tone, text)

    def close(self) -> None:
        """The end of it."""
        self._lines.close()


def progress(output: Output) -> Progress:
    """Somewhere to tell events, as this run shows things."""
    return Progress(_lines(output))


def _lines(output: Output) -> Lines:
    if output.quiet:
        return NoLines()
    if not is_terminal(sys.stderr):
        return DatedLines()
    from deployster_cli.views.rich_progress import RichLines  # noqa: PLC0415 - rich is slow to import

    return RichLines(color=output.color)
