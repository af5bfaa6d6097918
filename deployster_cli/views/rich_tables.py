"""Tables on a terminal: aligned, coloured by state. Rich is imported here and in rich_progress only."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployster_cli.views.shapes import Row

STATE_STYLES = {
    "running": "green",
    "exited": "green",
    "waiting": "yellow",
    "starting": "yellow",
    "restarting": "red",
    "ended": "red",
    "failed": "bold red",
    "stopping": "dim",
    "stopped": "dim",
    "leaving": "dim",
    "start": "green",
    "wait for": "yellow",
    "retire": "red",
    "keep": "dim",
}


def print_table(columns: Row, rows: Sequence[Row], *, color: bool) -> None:
    """Draw the rows on standard output, folded to the terminal's width."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"STATE", "INSTANCE", "PORT", "DOES", "BATCH"})
    for row in rows:
        table.add_row(*(Text(cell, style=STATE_STYLES.get(cell, "")) for cell in row))
    Console(no_color=not color, highlight=False, soft_wrap=False).print(table)
