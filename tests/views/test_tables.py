"""Tables on a terminal: below a header where there is room for that, else a list for each row."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deployster_cli.views.terminal.tables import table
from deployster_cli.views.text import Row

COLUMNS = ("SERVICE", "VERSION", "STATE", "MACHINE")
ROWS = [("carousel", "v1", "running", "10.0.0.1"), ("carousel", "v1", "failed", "10.0.0.2")]
WIDE_ENOUGH = 36


def drawn(columns: Row, rows: Sequence[Row], width: int, by: int = 0) -> list[str]:
    """The lines as a terminal shows them."""
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table(columns, rows, by, width))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_what_fits_is_aligned() -> None:
    assert drawn(COLUMNS, ROWS, WIDE_ENOUGH) == [
        "SERVICE   VERSION  STATE    MACHINE",
        "carousel  v1       running  10.0.0.1",
        "carousel  v1       failed   10.0.0.2",
    ]


def test_a_release_is_named_once() -> None:
    assert drawn(COLUMNS, ROWS, WIDE_ENOUGH, by=2)[2] == "                   failed   10.0.0.2"


def test_another_release_is_named_again() -> None:
    rows = [*ROWS, ("carousel", "v2", "failed", "-")]
    assert drawn(COLUMNS, rows, WIDE_ENOUGH, by=2)[3].startswith("carousel  v2")


def test_where_it_is_too_wide_each_row_is_a_list() -> None:
    assert drawn(COLUMNS, ROWS, WIDE_ENOUGH - 1, by=2) == [
        "SERVICE  carousel",
        "VERSION  v1",
        "STATE    running",
        "MACHINE  10.0.0.1",
        "",
        "SERVICE  carousel",
        "VERSION  v1",
        "STATE    failed",
        "MACHINE  10.0.0.2",
    ]


def test_sentences_are_wrapped_between_words_below_themselves() -> None:
    assert drawn(("A", "SAID"), [("a", "one two three four five six")], 25) == [
        "A  SAID",
        "a  one two three four",
        "   five six",
    ]


def test_brackets_are_text() -> None:
    assert drawn(("A",), [("[red]a[/]",)], 20) == ["A", "[red]a[/]"]


cells = st.text("abc.-19", min_size=1, max_size=40)


@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=5), st.integers(20, 120), st.integers(0, 3))
def test_no_cell_is_lost_and_no_line_too_long(rows: list[tuple[str, str, str, str]], width: int, by: int) -> None:
    lines = drawn(COLUMNS, list(rows), width, by)
    below, beside = "\n".join(lines), "".join(line[len("SERVICE  ") :] for line in lines)
    assert [cell for row in rows for cell in row if cell not in below and cell not in beside] == []
    assert max(map(len, lines)) <= width


@given(st.lists(st.tuples(cells, cells, cells, cells), min_size=1, max_size=5))
def test_below_a_header_no_cell_is_broken(rows: list[tuple[str, str, str, str]]) -> None:
    words = {word for line in drawn(COLUMNS, list(rows), 200) for word in line.split()}
    assert words == {*COLUMNS, *(cell for row in rows for cell in row)}
