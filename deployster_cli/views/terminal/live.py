"""What Rich leaves to us of drawing in place: a window that is made narrower meanwhile, and Ctrl-Z."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import ControlType, Segment

STDOUT, STDERR = 1, 2

# The cursor: Rich hides it while it draws.
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"

OTHER_SCREEN, USUAL_SCREEN = "\x1b[?1049h", "\x1b[?1049l"

# From the line of the cursor on all is blank. Not by one J from its first column: at the top of the window tmux would
# take that for a cleared screen, and keep what was on it among what has left it.
ERASED = "\r\x1b[K\x1b[C\x1b[J\r"

# What happens to a line that is longer than the terminal is wide, as it is where that has changed just now.
_CUT, _WRAPPED = "\x1b[?7l", "\x1b[?7h"


class Parked:
    """A block that erases all from its beginning on, and leaves the cursor there. To Rich it is one row.

    Rich leaves the cursor at the end and counts the rows back. A terminal that is made narrower wraps the lines that no
    longer fit, or cuts them off (xterm), so how many rows they take by then is anybody's guess. But it keeps the cursor
    at its character. For each row that the wrapping adds tmux moves one off the window's top, even where rows at its
    bottom are free: what it takes of a block near the top is out of reach.
    """

    def __init__(self, block: RenderableType = "") -> None:
        self._block = block

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        lines = console.render_lines(self._block, options, pad=False)
        drawn = [segment for line in lines for segment in (*line, Segment.line())][:-1]
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        for text, style, _ in (Segment(ERASED + _CUT), *drawn, Segment(f"{_WRAPPED}\r{up}")):
            yield Segment(text, style, [(ControlType.CLEAR,)])  # a control takes no room


@contextlib.contextmanager
def suspendable(leave: str, enter: str, to: int) -> Iterator[None]:
    """Until its end a Ctrl-Z writes ``leave`` to the file ``to`` before this process stops, and ``enter`` once it goes
    on. It takes no lock for that: a signal may come within any. Where Ctrl-Z is ignored it stays so.
    """

    def stop(number: int, _: FrameType | None) -> None:
        _write(leave, to)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # not os.kill: this thread has to stop, and here
        signal.signal(number, stop)
        _write(enter, to)

    if signal.getsignal(signal.SIGTSTP) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)


def _write(text: str, to: int) -> None:
    with contextlib.suppress(OSError):
        os.write(to, text.encode())
