"""Tables on a terminal: aligned, coloured by state, never folded. Rich is imported here and in rich_progress only."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from deployster_cli.views.shapes import Row
from deployster_cli.views.tables import widths

STATE_STYLES = {
    "running": "green",
    "exited": "green",
    "ok": "green",
    "waiting": "yellow",
    "starting": "yellow",
    "unreported": "yellow",
    "restarting": "red",
    "ended": "red",
    "failed": "bold red",
    "FAULT": "bold red",
    "stopping": "dim",
    "stopped": "dim",
    "leaving": "dim",
    "start": "green",
    "wait for": "yellow",
    "retire": "red",
    "keep": "dim",
}


def print_table(columns: Row, rows: Sequence[Row], *, color: bool) -> None:
    """Draw the rows on standard output. A line that is too long is the terminal's to wrap: no cell is torn apart."""
    console = Console(no_color=not color, highlight=False)
    sizes = widths(columns, rows)
    for row, style in [(columns, "bold"), *((row, "") for row in rows)]:
        line = Text()
        for cell, size in zip(row, sizes, strict=True):
            line.append(cell.ljust(size) + "  ", style=style or STATE_STYLES.get(cell, ""))
        line.rstrip()
        console.print(line, soft_wrap=True)
