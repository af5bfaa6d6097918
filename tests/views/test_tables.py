"""Tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.views.rows import Row
from deployster_cli.views.tables import fitted

COLUMNS = ("SERVICE", "VERSION", "STATE", "MACHINE")
ROWS = [("carousel", "v1", "running", "10.0.0.1"), ("carousel", "v1", "failed", "10.0.0.2")]
LONG = "2026.11.23-rc.1-build.4711-abcdef0"


def drawn(columns: Row, rows: Sequence[Row], width: int, by: int = 0) -> list[str]:
    """The lines as a terminal shows them."""
    return ["".join(line).rstrip() for line in fitted(columns, rows, width, by)]


def test_what_fits_is_aligned() -> None:
    assert drawn(COLUMNS, ROWS, 80) == [
        "SERVICE   VERSION  STATE    MACHINE",
        "carousel  v1       running  10.0.0.1",
        "carousel  v1       failed   10.0.0.2",
    ]


def test_a_release_is_named_once() -> None:
    assert drawn(COLUMNS, ROWS, 80, by=2)[2] == "                   failed   10.0.0.2"


def test_another_release_is_named_again() -> None:
    assert drawn(COLUMNS, [*ROWS, ("carousel", "v2", "failed", "-")], 80, by=2)[3].startswith("carousel  v2")


def test_where_it_is_too_wide_a_release_has_a_line_of_its_own() -> None:
    assert drawn(COLUMNS, ROWS, 30, by=2) == [
        "SERVICE  VERSION",
        "  STATE    MACHINE",
        "carousel  v1",
        "  running  10.0.0.1",
        "  failed   10.0.0.2",
    ]


def test_a_service_and_a_version_that_are_too_wide_together_stand_below_one_another() -> None:
    assert drawn(COLUMNS, [("carousel", LONG, "running", "10.0.0.1")], 40, by=2) == [
        "SERVICE  VERSION",
        "  STATE    MACHINE",
        "carousel",
        f"    {LONG}",
        "  running  10.0.0.1",
    ]


def test_a_row_that_is_too_wide_goes_on_below() -> None:
    assert drawn(("A", "B", "C"), [("a" * 20, "b" * 20, "c" * 9)], 34) == [
        "A",
        "  B                     C",
        "a" * 20,
        f"  {'b' * 20}  {'c' * 9}",
    ]


def test_a_last_cell_that_is_too_wide_goes_below_and_its_shorter_neighbours_stay() -> None:
    assert drawn(("KEY", "VALUE"), [("root", "/" + "b" * 20), ("limit", "15")], 20) == [
        "KEY    VALUE",
        "root",
        "  /" + "b" * 20,
        "limit  15",
    ]


def test_sentences_are_folded_between_words_below_themselves() -> None:
    assert drawn(("A", "SAID"), [("a", "one two three four five six")], 25) == [
        "A  SAID",
        "a  one two three four",
        "   five six",
    ]


def test_a_version_wider_than_the_terminal_stays_whole() -> None:
    assert LONG in drawn(("VERSION", "STATE"), [(LONG, "running")], 20)


cells = st.text("abc.-19", min_size=1, max_size=40)


@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=5), st.integers(1, 120), st.integers(0, 3))
def test_no_cell_is_lost_or_broken_and_no_line_too_long_without_need(
    rows: list[tuple[str, str, str, str]], width: int, by: int
) -> None:
    lines = drawn(COLUMNS, list(rows), width, by)
    words = {word for line in lines for word in line.split()}
    assert words == {*COLUMNS, *(cell for row in rows for cell in row)}
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
