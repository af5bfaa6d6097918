"""Lines above the live block of a rollout."""

from __future__ import annotations

from rich.console import Console

from deployster_cli.domain import events
from deployster_cli.domain.names import UnitName
from deployster_cli.views.board import Board
from deployster_cli.views.rich_progress import Block, quoted

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
