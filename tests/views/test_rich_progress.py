"""Lines above the live block of a rollout."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from deployster_cli.domain import events
from deployster_cli.domain.names import UnitName
from deployster_cli.views.board import Board
from deployster_cli.views.rich_progress import Block, RichLines, quoted

ONE, TWO = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)


def test_the_bar_has_the_terminal_s_own_colours() -> None:
    board, console = Board(), Console(force_terminal=True, color_system="truecolor", width=80, height=20)
    board.follow(events.Starting(2, 3, (ONE, TWO)), 0)
    with console.capture() as capture:
        console.print(Block(board))
    shown = capture.get()
    assert ("\x1b[32m━" in shown, "38;" in shown) == (True, False)


def test_a_journal_s_line_that_is_too_long_stays_behind_its_mark() -> None:
    assert quoted("  | no database at all on db1:5432", 22) == ["  | no database at all", "  |   on db1:5432"]


def test_one_that_fits_is_left_alone() -> None:
    assert quoted("  | a   b", 22) == ["  | a   b"]


def test_other_lines_are_the_terminal_s_to_fold() -> None:
    assert quoted("Starting carousel 9f88701 @1 @2", 10) == ["Starting carousel 9f88701 @1 @2"]


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
