"""The table on the screen and on the page."""

from __future__ import annotations

from bench.results import Target, compared
from bench.table import on_page, on_screen, row

ROWS = [
    compared("start-up", "python", "ms", [(90, 80), (100, 80)], Target(1.25)),
    compared("memory", "python | click", "MB", [(14, 14)]),
]


def test_a_row_has_medians_ratio_target_and_the_number_of_runs() -> None:
    assert row(ROWS[0]) == ("start-up", "95 ms", "python", "80 ms", "1.19", "<= 1.25", "yes", "2")


def test_a_row_without_a_target_says_so() -> None:
    assert row(ROWS[1])[5:7] == ("-", "-")


def test_on_the_screen_columns_are_aligned() -> None:
    header, first, _ = on_screen(ROWS).splitlines()
    assert header.index("RATIO") == first.index("1.19")


def test_on_a_page_each_line_has_as_many_cells_as_the_header() -> None:
    lines = on_page(ROWS).replace("\\|", "").splitlines()
    assert {line.count("|") for line in lines} == {9}


def test_a_bar_within_a_cell_does_not_part_it() -> None:
    assert "| python \\| click |" in on_page(ROWS)
