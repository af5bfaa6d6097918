"""Somebody else's text, made fit for a terminal or a log."""

from __future__ import annotations

import re

_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def printable(line: str) -> str:
    """The line without what could move the cursor or change the terminal."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)


def lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def for_terminal(line: str, *, color: bool) -> str:
    """The line with its colours, or without them, and what a carriage return has overwritten left out."""
    line = line.rstrip("\r").rpartition("\r")[2]
    pieces = _COLOR.split(line)
    if not color or len(pieces) == 1:
        return printable("".join(pieces))
    codes = _COLOR.findall(line)
    return "".join(printable(piece) + code for piece, code in zip(pieces, [*codes, "\x1b[0m"], strict=True))
