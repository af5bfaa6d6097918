"""Where results and progress go: results to stdout in the form that was asked for, everything else to stderr.

A reader that goes away (``| head``) has read what it wanted: that is no error, and never a reason to leave a rollout.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from deployster_cli.domain import events
from deployster_cli.domain.events import Event
from deployster_cli.domain.model import Unit
from deployster_cli.domain.names import UnitName
from deployster_cli.errors import DeploysterError
from deployster_cli.operations.rollout import Journal
from deployster_cli.views.sentences import sentence, waiting_for
from deployster_cli.views.shapes import Row
from deployster_cli.views.tables import aligned, plain


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
        emit(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n", sys.stderr)

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

    def tell(self, event: Event | Journal) -> None:
        """The event's lines, and what is waited for after it."""
        for tone, text in sentence(event):
            self._lines.write(tone, text)
        self._follow(event)
        self._lines.wait(waiting_for(self._open.values()))

    def _follow(self, event: Event | Journal) -> None:
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


@dataclass(frozen=True, slots=True)
class Output:
    """How this run shows things. ``form`` is table, wide, plain or json."""

    form: str = "table"
    quiet: bool = False
    color: bool = True

    def table(self, columns: Row, rows: Sequence[Row], *, empty: str = "") -> None:
        """Rows for people; ``empty`` is said on stderr where there are none."""
        if not rows and empty:
            self.note(empty)
        elif _terminal(sys.stdout):
            from deployster_cli.views.rich_tables import print_table  # noqa: PLC0415 - rich is slow to import

            print_table(columns, rows, color=self.color)
        else:
            emit(aligned(columns, rows), sys.stdout)

    def plain(self, rows: Sequence[Row]) -> None:
        """Rows for programs."""
        emit(plain(rows), sys.stdout)

    def json(self, value: object) -> None:
        """One JSON value."""
        import json  # noqa: PLC0415 - only -o json needs it

        emit(json.dumps(value, indent=2, ensure_ascii=False) + "\n", sys.stdout)

    def text(self, text: str) -> None:
        """Text as it is, on stdout."""
        emit(text, sys.stdout)

    def note(self, text: str) -> None:
        """A message on stderr (not with -q)."""
        if not self.quiet:
            emit(text + "\n", sys.stderr)

    def progress(self) -> Progress:
        """Somewhere to tell events."""
        return Progress(self._lines())

    def _lines(self) -> Lines:
        if self.quiet:
            return NoLines()
        if not _terminal(sys.stderr):
            return DatedLines()
        from deployster_cli.views.rich_progress import RichLines  # noqa: PLC0415 - rich is slow to import

        return RichLines(color=self.color)

    def show(
        self, *, json: Callable[[], object], table: Callable[[], None], plain: Callable[[], Sequence[Row]]
    ) -> None:
        """One result in the form that was asked for; only that form is worked out."""
        if self.form == "json":
            self.json(json())
        elif self.form == "plain":
            self.plain(plain())
        else:
            table()


def _terminal(stream: IO[str] | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty() and os.environ.get("TERM") != "dumb"


def emit(text: str, stream: IO[str] | None) -> None:
    """Write and flush. A closed stream swallows it; a full disk is told of."""
    if stream is None or stream.closed:
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except UnicodeEncodeError:
        emit(text.encode("ascii", "backslashreplace").decode(), stream)
    except OSError as error:
        _silence(stream)
        raise DeploysterError(f"The output can't be written: {error.strerror}.") from error


def _silence(stream: IO[str]) -> None:
    """Send whatever comes after a failed write to nowhere, so that no later flush fails again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
