"""Tables on a terminal: folded to its width between cells, coloured by state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from deployster_cli.views.rows import Row
from deployster_cli.views.tables import fitted

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
    "unsure": "yellow",
    "stopping": "dim",
    "stopped": "dim",
    "leaving": "dim",
    "foreign": "dim",
    "left out": "yellow",
    "start": "green",
    "wait for": "yellow",
    "retire": "red",
    "keep": "dim",
}
"""A cell that is one of these words → its colour. All are the terminal's own, so they suit a dark and a light one."""


_SIZES = {"COLUMNS", "LINES"}


def terminal(*, color: bool, stderr: bool = False) -> Console:
    """Where Rich draws. A COLUMNS or LINES of 0 tells of no size, but Rich would take it for one, and show nothing."""
    told = {name: value for name, value in os.environ.items() if name not in _SIZES or value.strip("0")}
    return Console(stderr=stderr, no_color=not color, highlight=False, _environ=told)


def print_table(columns: Row, rows: Sequence[Row], *, by: int, color: bool) -> None:
    """Draw the rows on standard output. What is wider than the terminal even alone is the terminal's to wrap."""
    console = terminal(color=color)
    for line in table_lines(columns, rows, by=by, width=console.width):
        console.print(line, soft_wrap=True)


def table_lines(columns: Row, rows: Sequence[Row], *, by: int, width: int) -> Iterator[Text]:
    """The lines of a table; see ``tables.fitted``."""
    lines = fitted(columns, rows, width, by)
    header = set(columns)
    for line in lines:
        text = Text()
        bold = {cell.strip() for cell in line} <= header
        for cell in line:
            text.append(cell, style="bold" if bold else STATE_STYLES.get(cell.strip(), ""))
        text.rstrip()
        yield text
