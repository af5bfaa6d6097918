"""Lines that are too long for a terminal, parted between words."""

from __future__ import annotations

import contextlib
import os
import re
from typing import IO

_BEGINNING = re.compile(r" *(\| |- )?")
"""What stands before a line's text: blanks, and the mark of a quote or of an item."""

_HANGING = "  "
"""What the lines below a line begin with that itself begins at the edge."""

_LEAST_ROOM = 10
"""With less room beside its beginning a line is left to the terminal. Textwrap never ends where there is none."""


def folded(line: str, width: int) -> list[str]:
    """The line, or where it is too long its pieces: the first as it is, the others below its text.

    Those of a quote (``  | no database``) stand behind its mark too, and in them a word that is too long is torn apart.
    Elsewhere it stays whole, and the terminal's matter.
    """
    beginning = _BEGINNING.match(line)
    before = beginning[0] if beginning else ""
    if len(line) <= width or width - len(before + _HANGING) < _LEAST_ROOM:
        return [line]
    import textwrap  # noqa: PLC0415 - only where something has to be folded

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
    """The text as it is, or for a terminal with its lines folded."""
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
