"""A listing redrawn in place, on the terminal's other screen; the last one stays on the usual screen at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from deployster_cli.domain.wording import not_known
from deployster_cli.operations.watch import Look
from deployster_cli.views.output import Listing
from deployster_cli.views.terminal.live import HIDDEN, OTHER_SCREEN, SHOWN, STDOUT, USUAL_SCREEN, suspendable
from deployster_cli.views.terminal.tables import table, terminal

T = TypeVar("T")

# Times a second: so soon it fits a window whose size was changed.
_REDRAWN = 4


class Watched:
    """The latest listing, laid out anew for the terminal's size of that moment."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._head = Text(title)
        self._listing: Listing | None = None

    def put(self, listing: Listing, at: str, away: str, silent: Sequence[str] = ()) -> None:
        """Show this from now on: what was listed, when it was looked, why that gave nothing, and why machines were
        silent."""
        head = Text(f"{self._title}  {at[11:19]} UTC", style="dim")
        if away:
            head.append(f"\nNot updated: {away}", style="not dim yellow")
        for why in silent:
            head.append(f"\n{not_known(why)}", style="not dim yellow")
        self._head, self._listing = head, listing

    def table(self, width: int, most: int | None = None) -> RenderableType:
        """Return what was listed; of its rows at most as many as this."""
        if self._listing is None:
            return Group()
        rows = self._listing.rows()[:most]
        return table(self._listing.columns, rows, self._listing.by, width) if rows else Text(self._listing.empty)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> list[Segment]:
        """As much of it as there is room for."""
        block = Group(self._head, "", self.table(console.width, console.height))
        lines = console.render_lines(block, options.update(height=None), new_lines=True)
        if self._listing and len(lines) > console.height:
            lines[console.height - 1 :] = [[Segment(f"… {len(self._listing.rows())} rows in all")]]
        return [segment for line in lines for segment in line]


def draw(looks: Iterator[Look[T]], listing: Callable[[T], Listing], title: str, *, color: bool) -> None:
    """Show every look until it is interrupted."""
    console = terminal(color=color)
    board = Watched(title)
    live = Live(board, console=console, screen=True, refresh_per_second=_REDRAWN)
    try:
        with suspendable(USUAL_SCREEN + SHOWN, OTHER_SCREEN + HIDDEN, STDOUT):
            for look in looks:
                board.put(listing(look.what), look.at, look.away, [*look.silent.values()])
                live.start()
    finally:
        live.stop()  # not by "with": a Ctrl-C while it starts would leave the terminal on the other screen
        console.print(board.table(console.width))
