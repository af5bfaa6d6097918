"""Lines above the live block of a rollout."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from deployster_cli.domain import events
from deployster_cli.domain.units.names import UnitName
from deployster_cli.views.board import Board
from deployster_cli.views.terminal.progress import Block, RichLines
from tests.views.test_output import terminal

ONE, TWO = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)


def test_the_bar_has_the_terminal_s_own_colours() -> None:
    board, console = Board(), Console(force_terminal=True, color_system="truecolor", width=80, height=20)
    board.follow(events.Starting(2, 3, (ONE, TWO)), 0)
    with console.capture() as capture:
        console.print(Block(board))
    shown = capture.get()
    assert ("\x1b[32m━" in shown, "38;" in shown) == (True, False)


def test_in_a_narrow_window_names_and_states_stay_whole() -> None:
    board, console = Board(), Console(width=20, height=20, color_system=None)
    board.follow(events.Starting(1, 1, (ONE, TWO)), 0)
    with console.capture() as capture:
        console.print(Block(board))
    assert [line[:15].rstrip() for line in capture.get().splitlines()[:2]] == ["  @1  requested", "  @2  requested"]


def test_a_line_that_is_too_long_goes_on_below_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns=20) as screen:
        RichLines(color=False).write("good", "  carousel v2 @1  ready on m1")
    assert screen.getvalue() == "  carousel v2 @1\n  ready on m1\n"


def test_a_terminal_said_to_have_no_columns_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns=0) as screen:
        RichLines(color=False).write("good", "  carousel v2 @1  ready on m1")
    assert screen.getvalue() == "  carousel v2 @1  ready on m1\n"


def test_a_word_that_is_too_long_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns=20) as screen:
        RichLines(color=False).write("warn", "https://example.com/a/long/path")
    assert screen.getvalue() == "https://example.com/a/long/path\n"


def test_a_line_written_between_two_blocks_is_not_erased_with_the_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    board, lines = Board(), RichLines(color=False)
    board.follow(events.Starting(1, 1, (ONE,)), 0)
    lines.show(board)
    lines.close()
    lines.write("bad", "rake ended with exit code 3")
    lines.show(board)
    lines.close()
    behind = capsys.readouterr().err.partition("rake ended with exit code 3")[2].partition("\n")[2]
    assert _lines_up(behind) == behind.count("\n") > 0


def _lines_up(text: str) -> int:
    return sum(int(number) for number in re.findall(r"\x1b\[(\d+)A", text))
