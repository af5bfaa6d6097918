"""Progress on a terminal: coloured lines, and below them a block that lives while a rollout waits."""

from __future__ import annotations

import contextlib
import time

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from deployster_cli.views.board import Board
from deployster_cli.views.terminal.live import ERASED, HIDDEN, SHOWN, STDERR, Parked, suspendable
from deployster_cli.views.terminal.tables import STATE_STYLES, terminal
from deployster_cli.views.text import folded

STYLES = {"head": "bold", "dim": "", "good": "green", "bad": "bold red", "warn": "yellow"}

_BAR = 24

# The bar's colours are the terminal's own, as all of ours: Rich's suit a dark one only.
_DONE, _REST = "green", "bright_black"

# Of a terminal that is gone: what can't be written is lost, but the rollout goes on.
_UNHEARD = contextlib.suppress(OSError)


class RichLines:
    """Lines above a live block on standard error."""

    live = True

    def __init__(self, *, color: bool) -> None:
        self._console = terminal(color=color, stderr=True)
        self._block = Block(Board())
        self._live: Live | None = None
        self._until_closed = contextlib.ExitStack()

    def write(self, tone: str, text: str) -> None:
        """One line, above the block; one that is too long goes on below, wrapped between words."""
        lines = Text("\n".join(folded(text, self._console.width)), style=STYLES[tone])
        with _UNHEARD:
            self._console.print(*([Parked()] if self._live else []), lines, soft_wrap=True)

    def show(self, board: Board) -> None:
        """Show what the block shows from now on."""
        self._block.board = board
        if self._live:
            return
        self._live = Live(Parked(self._block), console=self._console, transient=True, refresh_per_second=8)
        with _UNHEARD:
            self._until_closed.enter_context(suspendable(ERASED + SHOWN, HIDDEN, STDERR))
            self._live.start()

    def close(self) -> None:
        """Take the block away."""
        self._until_closed.close()
        if self._live:
            self._live.update(Parked())
            with _UNHEARD:
                self._live.stop()
        self._live = None


class Block:
    """The board, laid out anew for each moment and for the terminal's size."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._spinner = Spinner("dots")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Return a line an instance, as many as half the terminal takes, and the bar for all of them."""
        now, board = time.monotonic(), self.board
        rows = board.rows(now)
        shown = rows[: max(1, console.height // 2 - 2)]
        name, state, *others = Column(no_wrap=True), Column(no_wrap=True), Column(), Column(), Column()
        instances = Table.grid(name, state, *others, padding=(0, 2, 0, 0))
        for row in shown:
            instances.add_row(*(_cut(Text(cell, style=STATE_STYLES.get(cell, "dim"))) for cell in row))
        yield Padding(instances, (0, 0, 0, 2))
        if len(rows) > len(shown):
            yield _cut(Text(f"  and {len(rows) - len(shown)} more", style="dim"))
        yield self._foot(now) if board.total else self._spinner

    def _foot(self, now: float) -> Table:
        grid = Table.grid(padding=(0, 1))
        done = self.board.fraction
        bar = ProgressBar(total=1, completed=done, width=_BAR, style=_REST, complete_style=_DONE, finished_style=_DONE)
        grid.add_row(self._spinner, bar, _cut(Text(self.board.summary(now))))
        return grid


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
