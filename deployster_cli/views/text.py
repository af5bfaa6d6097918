"""Text in columns, folded to a terminal's width, without what would move its cursor; and times as people say them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO

from deployster_cli.domain.durations import HOUR, MINUTE
from deployster_cli.domain.units import names
from deployster_cli.domain.wording import count

Row = tuple[str, ...]


def aligned(columns: Row, rows: Sequence[Row]) -> str:
    """Return a header and the rows in columns, two spaces apart, without trailing blanks."""
    sizes = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)) for row in (columns, *rows))
    return "".join(line.rstrip() + "\n" for line in lines)


def plain(rows: Sequence[Row]) -> str:
    """One line a row, cells parted by one TAB, no header: what awk and cut expect."""
    return "".join("\t".join(row) + "\n" for row in rows)


# What stands before a line's text: blanks, and the mark of a quote or of an item.
_BEGINNING = re.compile(r" *(\| |- )?")

# What the lines below a line begin with that itself begins at the edge.
_HANGING = "  "

# With less room beside its beginning a line is left to the terminal. Textwrap never ends where there is none.
_LEAST_ROOM = 10


def folded(line: str, width: int) -> list[str]:
    """Return the line, or where it is too long its pieces: the first as it is, the others below its text.

    Those of a quote (``  | no database``) stand behind its mark too, and in them a word that is too long is torn apart.
    Elsewhere it stays whole, and the terminal's matter.
    """
    beginning = _BEGINNING.match(line)
    before = beginning[0] if beginning else ""
    if len(line) <= width or width - len(before + _HANGING) < _LEAST_ROOM:
        return [line]
    import textwrap  # only where something has to be folded

    quote = before.endswith("| ")
    below = f"{before}{_HANGING}" if quote else " " * len(before) or _HANGING
    pieces = textwrap.wrap(
        line.removeprefix(before),
        width,
        initial_indent=before,
        subsequent_indent=below,
        break_long_words=quote,
        break_on_hyphens=False,
    )
    return pieces or [before.rstrip()]


def fit(text: str, stream: IO[str] | None) -> str:
    """Return the text as it is, or for a terminal with its lines folded."""
    if stream is None or stream.closed or not stream.isatty():
        return text
    width = columns(stream)
    return "\n".join(piece for line in text.split("\n") for piece in folded(line, width))


def columns(stream: IO[str]) -> int:
    """How wide the terminal behind a stream is: what COLUMNS says, if it can be, else it itself, else 80."""
    with contextlib.suppress(ValueError):
        if (told := int(os.environ.get("COLUMNS", ""))) > 0:
            return told
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def printable(line: str) -> str:
    """Return the line without what could move the cursor or change the terminal; its tabs stay."""
    return names.printable(line, but="\t")


def lines(text: str) -> str:
    """Return the same for a text of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def for_terminal(line: str, *, color: bool) -> str:
    """Return the line with its colours, or without them, and what a carriage return has overwritten left out."""
    line = line.rstrip("\r").rpartition("\r")[2]
    pieces = _COLOR.split(line)
    if not color or len(pieces) == 1:
        return printable("".join(pieces))
    codes = _COLOR.findall(line)
    return "".join(printable(piece) + code for piece, code in zip(pieces, [*codes, "\x1b[0m"], strict=True))


_DAY = 24 * HOUR
_DAYS = 30


def ago(stamp: str, now: float) -> str:
    """How long before ``now`` (seconds since 1970) an RFC 3339 stamp was; beyond a month its day.

    The stamp itself where it can't be read or lies ahead: the clocks of two machines may differ.
    """
    try:
        then = datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return stamp
    seconds = int(now - then.timestamp())
    if seconds < -MINUTE:
        return stamp
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{count(seconds // MINUTE, 'minute')} ago"
    if seconds < _DAY:
        return f"{count(seconds // HOUR, 'hour')} ago"
    return f"{count(seconds // _DAY, 'day')} ago" if seconds < _DAYS * _DAY else f"{then:%Y-%m-%d}"
