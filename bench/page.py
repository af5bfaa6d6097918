"""docs/benchmarks.md, whole: what was measured, on what, with which command. Its words are in page.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from bench.results import Comparison
from bench.table import on_page

_PAGE = Path(__file__).with_name("page.md")


@dataclass(frozen=True, slots=True)
class Found:
    """One run: the command typed, the day, the machine in one line, all rows, and what was skipped with why."""

    command: str
    day: str
    machine: str
    rows: Sequence[Comparison]
    skipped: Sequence[tuple[str, str]]


def page(found: Found) -> str:
    """The page in Markdown."""
    return Template(_PAGE.read_text()).substitute(
        command=found.command,
        day=found.day,
        machine=found.machine,
        table=on_page(found.rows),
        skipped="".join(f"\n{name} was skipped: {why}.\n" for name, why in found.skipped),
    )
