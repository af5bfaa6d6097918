"""A listing redrawn in place, on the terminal's other screen; the last one stays on the usual screen at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from deployster_cli.operations.watch import Look
from deployster_cli.views.output import Listing
from deployster_cli.views.terminal.live import HIDDEN, OTHER_SCREEN, SHOWN, STDOUT, USUAL_SCREEN, Pausing, suspendable
from deployster_cli.views.terminal.tables import table_lines, terminal

T = TypeVar("T")

_REDRAWN = 4
"""Times a second: so soon it fits a window whose size was changed."""


class Board:
    """The latest listing, laid out anew for the terminal's size of that moment."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._head = Text(title)
        self._listing: Listing | None = None

    def put(self, listing: Listing, at: str, away: str) -> None:
        """Show this from now on: what was listed, when it was looked, and why that gave nothing."""
        head = Text(f"{self._title}  {at[11:19]} UTC", style="dim")
        if away:
            head.append(f"\nNo news: {away}", style="not dim yellow")
        self._head, self._listing = head, listing

    def lines(self, width: int) -> list[Text]:
        """The table's lines."""
        if self._listing is None:
            return []
        rows = self._listing.rows()
        if not rows:
            return [Text(self._listing.empty)]
        return list(table_lines(self._listing.columns, rows, by=self._listing.by, width=width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As much of it as there is room for."""
        head = list(self._head.wrap(console, options.max_width))
        lines = self.lines(options.max_width)
        room = console.height - len(head) - 1
        if len(lines) > room:
            lines = [*lines[: room - 1], Text(f"… {len(lines) - room + 1} more lines", style="dim")]
        for line in (*head, Text(), *lines):
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line


def draw(looks: Iterator[Look[T]], listing: Callable[[T], Listing], title: str, *, color: bool) -> None:
    """Show every look until it is interrupted."""
    console = terminal(color=color)
    board = Board(title)
    live = Pausing(board, console=console, screen=True, refresh_per_second=_REDRAWN)
    try:
        with suspendable(live, USUAL_SCREEN + SHOWN, OTHER_SCREEN + HIDDEN, STDOUT):
            for look in looks:
                board.put(listing(look.what), look.at, look.away)
                live.start()
    finally:
        live.stop()  # not by "with": a Ctrl-C while it starts would leave the terminal on the other screen
        for line in board.lines(console.width):
            console.print(line, soft_wrap=True)
