"""A block below what is printed: what a terminal shows of it, and where its cursor is."""

from __future__ import annotations

import io

import pyte
import pytest
from rich.console import Console
from rich.live import Live
from rich.text import Text

from deployster_cli.views.terminal.live import Parked

COLUMNS = 30


class Lines:
    """Some lines, as many as it is told, each cut at the terminal's width."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def __rich__(self) -> Text:
        return Text("\n".join(self.texts), no_wrap=True, overflow="ellipsis")


class Window:
    """A terminal of 12 rows, its console, and the block on it."""

    def __init__(self, *texts: str) -> None:
        self.written = io.StringIO()
        self.console = Console(
            file=self.written, force_terminal=True, color_system=None, width=COLUMNS, height=12, legacy_windows=False
        )
        self.block = Lines(*texts)
        self.live = self.made()
        self.screen = pyte.Screen(COLUMNS, 12)
        self._stream = pyte.Stream(self.screen)

    def made(self) -> Live:
        """A live display of the block."""
        return Live(Parked(self.block), console=self.console, auto_refresh=False, transient=True)

    def rows(self) -> list[str]:
        """What it shows of all that was written."""
        self._stream.feed(self.written.getvalue().replace("\n", "\r\n"))
        self.written.seek(0)
        self.written.truncate()
        return [row.rstrip() for row in self.screen.display if row.strip()]

    def end(self) -> None:
        """Take the block away."""
        self.live.update(Parked())
        self.live.stop()

    @property
    def cursor(self) -> tuple[int, int]:
        """Its row and column."""
        return self.screen.cursor.y, self.screen.cursor.x


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Window:
    """One with a line printed, and a block of three."""
    monkeypatch.setenv("TERM", "xterm")
    made = Window("one", "two", "three")
    made.console.print("above")
    made.live.start(refresh=True)
    return made


def test_it_is_drawn_below_what_was_printed(window: Window) -> None:
    assert window.rows() == ["above", "one", "two", "three"]


def test_the_cursor_is_left_at_its_beginning(window: Window) -> None:
    window.rows()
    assert window.cursor == (1, 0)


def test_it_is_drawn_over_itself(window: Window) -> None:
    window.block.texts = ("uno", "due")
    window.live.refresh()
    assert window.rows() == ["above", "uno", "due"]


def test_what_is_printed_goes_above_it(window: Window) -> None:
    window.console.print(Parked(), "more")
    assert (window.rows(), window.cursor) == (["above", "more", "one", "two", "three"], (2, 0))


def test_a_line_that_was_parted_in_two_is_erased(window: Window) -> None:
    window.rows()
    window.screen.cursor_down(3)
    window.screen.draw("what the terminal has moved down")
    window.screen.cursor_position(2, 1)
    window.live.refresh()
    assert window.rows() == ["above", "one", "two", "three"]


def test_at_the_end_nothing_is_left_of_it(window: Window) -> None:
    window.end()
    assert (window.rows(), window.cursor) == (["above"], (1, 0))


def test_at_the_last_row_the_end_leaves_no_row_empty(window: Window) -> None:
    window.console.print(Parked(), "\n".join(map(str, range(20))))
    window.end()
    window.console.print("end")
    assert window.rows()[-2:] == ["19", "end"]


def test_another_can_be_started_after_it(window: Window) -> None:
    window.end()
    window.console.print("between")
    window.made().start(refresh=True)
    assert window.rows() == ["above", "between", "one", "two", "three"]


def test_a_window_that_has_just_been_made_narrower_parts_no_line_of_it(window: Window) -> None:
    window.block.texts = ("a" * COLUMNS, "b" * COLUMNS)
    window.screen.resize(columns=20)
    window.live.refresh()
    assert ([row[0] for row in window.rows()], window.cursor) == (["a", "a", "b"], (1, 0))


def test_nothing_else_is_cut(window: Window) -> None:
    window.rows()
    assert pyte.modes.DECAWM in window.screen.mode
