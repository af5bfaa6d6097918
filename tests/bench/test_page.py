"""docs/benchmarks.md: what a run writes, and that the page in the checkout is such a page."""

from __future__ import annotations

import re
from pathlib import Path

from bench.page import Found, page
from bench.results import compared
from bench.table import COLUMNS

KEPT = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
RUN = Found("make bench", "2026-11-23", "a machine", [compared("a", "b", "ms", [(1, 2)])], [("deploy", "no cluster")])


def test_it_names_the_command_the_day_and_the_machine() -> None:
    assert "Made by `make bench` on 2026-11-23.\nThe machine: a machine.\n" in page(RUN)


def test_it_has_a_line_a_comparison() -> None:
    assert "\n| a | 1 ms | b | 2 ms | 0.50 | - | - | 1 |\n" in page(RUN)


def test_it_says_what_was_skipped_and_why() -> None:
    assert "\ndeploy was skipped: no cluster.\n" in page(RUN)


def words(text: str) -> list[str]:
    """The page without what differs from run to run."""
    return [line for line in text.splitlines() if not re.match(r"\||Made by|The machine|\w+ was skipped|$", line)]


def test_the_page_in_the_checkout_has_todays_words() -> None:
    assert words(KEPT) == words(page(RUN))


def test_the_page_in_the_checkout_has_todays_columns() -> None:
    assert f"| {' | '.join(COLUMNS)} |\n" in KEPT
