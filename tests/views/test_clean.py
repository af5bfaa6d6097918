"""Somebody else's lines on a terminal."""

from __future__ import annotations

import pytest

from deployster_cli.views.text import for_terminal, lines, printable


@pytest.mark.parametrize(
    ("line", "colored", "plain"),
    [
        ("as it is\tthere", "as it is\tthere", "as it is\tthere"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m", "red"),
        ("10 %\r20 %\r", "20 %", "20 %"),
        ("\x1b[2Jgone\x1b]0;title\x07", "\ufffd[2Jgone\ufffd]0;title\ufffd", "\ufffd[2Jgone\ufffd]0;title\ufffd"),
    ],
)
def test_colours_may_stay_and_nothing_else_moves_the_cursor(line: str, colored: str, plain: str) -> None:
    assert (for_terminal(line, color=True), for_terminal(line, color=False)) == (colored, plain)


def test_a_tab_is_printable() -> None:
    assert printable("a\tb\x1b") == "a\tb\ufffd"


def test_a_text_keeps_its_lines_and_nothing_else_that_moves_the_cursor() -> None:
    assert lines("a\n\x1b[2Jb\n\x9b31m\u202e") == "a\n\ufffd[2Jb\n\ufffd31m\ufffd"
