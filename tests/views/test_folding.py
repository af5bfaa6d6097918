"""Lines that are too long for a terminal."""

from __future__ import annotations

import io
import os
import pty
import termios
from collections.abc import Iterator
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.views.text import columns, fit, folded
from tests.views.test_output import Terminal


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("Starting carousel 9f88701 @1 @2", ["Starting carousel", "  9f88701 @1 @2"]),
        ("  carousel v1 @1  ready on m1", ["  carousel v1 @1", "  ready on m1"]),
        ("- no machine fits carousel v1", ["- no machine fits", "  carousel v1"]),
        ("  - no machine fits carousel", ["  - no machine fits", "    carousel"]),
        ("  | no database at all on db1:5432", ["  | no database at", "  |   all on", "  |   db1:5432"]),
        ("  |     at the 7th line of all", ["  |     at the 7th", "  |   line of all"]),
        ("  | aaaaaaaaaabbbbbbbbbbcccccccccc", ["  | aaaaaaaaaabbbbbb", "  |   bbbbcccccccccc"]),
        ("See https://example.com/a/long/path", ["See", "  https://example.com/a/long/path"]),
        ("https://example.com/a/long/path", ["https://example.com/a/long/path"]),
        ("  | " + " " * 20, ["  |"]),
    ],
)
def test_what_is_too_long_goes_on_below_its_text(line: str, pieces: list[str]) -> None:
    assert folded(line, 20) == pieces


def test_where_there_is_no_room_beside_its_beginning_a_line_is_left_alone() -> None:
    assert folded("      |  b| a- --|  a-b", 3) == ["      |  b| a- --|  a-b"]


def test_what_fits_is_left_alone() -> None:
    assert folded("  | a   b", 9) == ["  | a   b"]


words = st.text(st.sampled_from("ab|- "), max_size=60)


@given(words, st.integers(1, 80))
def test_no_word_is_lost(line: str, width: int) -> None:
    text = "".join(piece for piece in folded(line, width)).replace(" ", "").replace("|", "")
    assert text == line.replace(" ", "").replace("|", "")


beginnings = st.sampled_from(["", "  ", "- ", "  - ", "  | "])
short = st.lists(st.text("ab|-", max_size=8), max_size=12).map(" ".join)


@given(beginnings, short, st.integers(20, 80))
def test_no_piece_is_too_long_if_no_word_is(beginning: str, text: str, width: int) -> None:
    assert all(len(piece) <= width for piece in folded(beginning + text, width))


def test_for_a_terminal_each_line_of_a_text_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "16")
    assert fit("Done: it is now up.\n  it was down once\n", Terminal()) == (
        "Done: it is now\n  up.\n  it was down\n  once\n"
    )


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_off_a_terminal_a_text_is_as_it_is(monkeypatch: pytest.MonkeyPatch, stream: IO[str] | None) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    assert fit("Done: it is up.\n", stream) == "Done: it is up.\n"


def test_a_closed_stream_is_no_terminal() -> None:
    stream = Terminal()
    stream.close()
    assert fit("Done", stream) == "Done"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[str]]:
    """A real terminal that knows of no width yet."""
    monkeypatch.delenv("COLUMNS", raising=False)
    behind, before = pty.openpty()
    os.set_blocking(behind, False)
    with os.fdopen(behind, "rb"), os.fdopen(before, "w") as stream:
        yield stream


def test_a_terminal_is_asked_how_wide_it_is(screen: IO[str]) -> None:
    termios.tcsetwinsize(screen.fileno(), (24, 33))
    assert columns(screen) == 33


@pytest.mark.parametrize("given_width", ["0", "-5"])
def test_it_is_asked_too_where_columns_can_t_be(
    monkeypatch: pytest.MonkeyPatch, screen: IO[str], given_width: str
) -> None:
    monkeypatch.setenv("COLUMNS", given_width)
    termios.tcsetwinsize(screen.fileno(), (24, 33))
    assert columns(screen) == 33


def test_one_that_does_not_know_is_as_wide_as_most(screen: IO[str]) -> None:
    assert columns(screen) == 80


@pytest.mark.parametrize(("given_width", "wide"), [("100", 100), ("0", 80), ("", 80), ("wide", 80)])
def test_columns_says_how_wide_it_is(monkeypatch: pytest.MonkeyPatch, given_width: str, wide: int) -> None:
    monkeypatch.setenv("COLUMNS", given_width)
    assert columns(Terminal()) == wide
