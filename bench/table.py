"""Comparisons as a table: aligned for the screen, with bars for a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.results import Comparison, figure
from deployster_cli.views.text import aligned

COLUMNS = ("benchmark", "ours", "beside", "its figure", "ratio", "target", "met", "runs")

Row = tuple[str, ...]


def row(found: Comparison) -> Row:
    """One comparison's cells, as COLUMNS."""
    return (
        found.name,
        figure(median(found.ours), found.unit),
        found.rival,
        figure(median(found.others), found.unit),
        f"{found.ratio:.2f}",
        found.target.told(found.unit) if found.target else "-",
        found.met or "-",
        str(len(found.ours)),
    )


def on_screen(found: Sequence[Comparison]) -> str:
    """The table with aligned columns."""
    return aligned(tuple(name.upper() for name in COLUMNS), [row(each) for each in found])


def on_page(found: Sequence[Comparison]) -> str:
    """The table in Markdown."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(row(each) for each in found)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
