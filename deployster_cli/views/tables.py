"""Rows as text: aligned columns for people, tab-separated lines for programs. Pure; colour comes from rich_tables."""

from __future__ import annotations

from collections.abc import Sequence

from deployster_cli.views.shapes import Row


def widths(columns: Row, rows: Sequence[Row]) -> list[int]:
    """How wide each column has to be."""
    return [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]


def aligned(columns: Row, rows: Sequence[Row]) -> str:
    """A header and the rows in columns, two spaces apart, without trailing blanks."""
    sizes = widths(columns, rows)
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)) for row in (columns, *rows))
    return "".join(line.rstrip() + "\n" for line in lines)


def plain(rows: Sequence[Row]) -> str:
    """One line a row, cells parted by one TAB, no header: what awk and cut expect."""
    return "".join("\t".join(row) + "\n" for row in rows)
