"""Tables on a terminal: drawn by Rich, coloured by state."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deployster_cli.views.text import Row

# A cell that is one of these words → its colour. All are the terminal's own, so they suit a dark and a light one.
STATE_STYLES = {
    "running": "green",
    "completed": "green",
    "ok": "green",
    "waiting": "yellow",
    "starting": "yellow",
    "unknown": "yellow",
    "restarting": "red",
    "exited": "red",
    "failed": "bold red",
    "FAULT": "bold red",
    "unsure": "yellow",
    "stopping": "dim",
    "stopped": "dim",
    "removing": "dim",
    "foreign": "dim",
    "left out": "yellow",
    "start": "green",
    "wait for": "yellow",
    "retire": "red",
    "keep": "dim",
}

_GAP = 2

# Blanks between columns, as Rich takes them: above, right, below, left.
_PADDING = (0, _GAP, 0, 0)

_SIZES = {"COLUMNS", "LINES"}


def terminal(*, color: bool, stderr: bool = False) -> Console:
    """Where Rich draws. A COLUMNS or LINES of 0 tells of no size, but Rich would take it for one, and show nothing."""
    told = {name: value for name, value in os.environ.items() if name not in _SIZES or value.strip("0")}
    return Console(stderr=stderr, no_color=not color, highlight=False, _environ=told)


def print_table(columns: Row, rows: Sequence[Row], *, by: int = 0, color: bool, stderr: bool = False) -> None:
    """Draw the rows on standard output, or on standard error; see ``table``."""
    console = terminal(color=color, stderr=stderr)
    console.print(table(columns, rows, by, console.width))


def table(columns: Row, rows: Sequence[Row], by: int, width: int) -> Table:
    """Return the rows below a header; where words would have to be broken for that, each as a list of its cells.

    Below a header the first ``by`` cells are left out where they repeat those of the row above.
    """
    columns_of_words = (" ".join(cells).split() for cells in zip(columns, *rows, strict=True))
    least = sum(max(map(cell_len, words)) for words in columns_of_words)
    if least + _GAP * (len(columns) - 1) > width:
        return _lists(columns, rows)
    made = Table(*columns, box=None, pad_edge=False, padding=_PADDING)
    above: Row = ()
    for row in rows:
        made.add_row(*map(_cell, ("",) * by + row[by:] if row[:by] == above else row))
        above = row[:by]
    return made


def _lists(columns: Row, rows: Sequence[Row]) -> Table:
    made = Table.grid(Column(style="bold"), Column(overflow="fold"), padding=_PADDING)
    for number, row in enumerate(rows):
        if number:
            made.add_row()
        for name, cell in zip(columns, row, strict=True):
            made.add_row(name, _cell(cell))
    return made


def _cell(text: str) -> Text:
    return Text(text, style=STATE_STYLES.get(text, ""))
