"""Rows as text: aligned columns for people, tab-separated lines for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deployster_cli.views.rows import Row


def aligned(columns: Row, rows: Sequence[Row]) -> str:
    """A header and the rows in columns, two spaces apart, without trailing blanks."""
    sizes = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)) for row in (columns, *rows))
    return "".join(line.rstrip() + "\n" for line in lines)


def plain(rows: Sequence[Row]) -> str:
    """One line a row, cells parted by one TAB, no header: what awk and cut expect."""
    return "".join("\t".join(row) + "\n" for row in rows)
