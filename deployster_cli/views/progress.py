"""Progress: each event as it comes, on stderr, for a person at a terminal, a log file or a workflow's runner."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Protocol

from deployster_cli.domain import events
from deployster_cli.domain.events import Event
from deployster_cli.views.board import Board
from deployster_cli.views.output import Output, is_terminal, tell
from deployster_cli.views.sentences import sentence

# What the runner turns back, as its own toolkit writes it (actions/toolkit, packages/core/src/command.ts).
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})


def in_actions(environ: Mapping[str, str]) -> bool:
    """Whether a workflow's runner reads what we print."""
    return environ.get("GITHUB_ACTIONS") == "true"


def command(name: str, text: str = "") -> str:
    """``::error::text``: on one line, whatever the text holds."""
    return f"::{name}::{text.translate(_DATA)}"


def harmless(line: str) -> str:
    """Return a line that the runner only shows: it obeys ``##[`` anywhere in a line, and ``::`` at its beginning."""
    text = line.replace("##[", "# #[").replace("\r", " ").replace("\n", " ")
    return f". {text}" if text.lstrip().startswith("::") else text


class Lines(Protocol):
    """Somewhere progress is written to. ``live``: it shows the board, so not every change needs a line."""

    live: bool

    def write(self, tone: str, text: str) -> None:
        """One line."""
        ...

    def show(self, board: Board) -> None:
        """How far things are now."""
        ...

    def close(self) -> None:
        """No more lines."""
        ...


class DatedLines:
    """Off a terminal: one dated line an event, nothing that moves."""

    live = False

    def write(self, tone: str, text: str) -> None:  # noqa: ARG002 - a log file has no colour
        """Show the line behind the time, UTC."""
        tell(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")

    def show(self, board: Board) -> None:
        """Nothing: a log file has no line that moves."""

    def close(self) -> None:
        """Nothing to take away."""


class ActionsLines(DatedLines):
    """For GitHub Actions: a group for each turn of a rollout, warnings as annotations. What went wrong is in no group,
    so it is seen at once; the error at the end is annotated by ``main``.
    """

    def __init__(self) -> None:
        self._open = False

    def write(self, tone: str, text: str) -> None:
        """Show a dated line within its group."""
        if tone in {"head", "bad"} and not text.startswith(" "):
            self.close()
        if tone == "head":
            self._open = True
            tell(f"{command('group', text)}\n")
        elif tone == "warn":
            tell(f"{command('warning', text.strip())}\n")
        else:
            super().write(tone, harmless(text))

    def close(self) -> None:
        """Show the end of the group."""
        if self._open:
            tell(f"{command('endgroup')}\n")
        self._open = False


class NoLines:
    """``-q``: no progress."""

    live = False

    def write(self, tone: str, text: str) -> None:
        """Nothing."""

    def show(self, board: Board) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Progress:
    """Tells events as they come."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._board = Board()

    def tell(self, event: Event) -> None:
        """Show the event's lines, and what is waited for after it."""
        for tone, text in sentence(event):
            if not (self._lines.live and tone == "dim" and isinstance(event, events.Changed)):
                self._lines.write(tone, text)
        self._board.follow(event, time.monotonic())
        self._lines.show(self._board)

    def close(self) -> None:
        """Show the end of it."""
        self._lines.close()


def progress(output: Output) -> Progress:
    """Somewhere to tell events, as this run shows things."""
    return Progress(_lines(output))


def _lines(output: Output) -> Lines:
    if output.quiet:
        return NoLines()
    if in_actions(os.environ):
        return ActionsLines()
    if not is_terminal(sys.stderr):
        return DatedLines()
    from deployster_cli.views.terminal.progress import RichLines  # rich is slow to import

    return RichLines(color=output.color)
