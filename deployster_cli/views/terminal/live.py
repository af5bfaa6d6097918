"""Ctrl-Z while something is drawn in place: the shell gets its terminal as it was, and after ``fg`` it is drawn on."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderResult
from rich.live import Live
from rich.segment import ControlType, Segment

STDOUT, STDERR = 1, 2

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
"""The cursor: Rich hides it while it draws."""

OTHER_SCREEN, USUAL_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


class Pausing(Live):
    """One that can be told to draw nothing for a while. It takes no lock for that: a signal may come within any."""

    paused = False

    def refresh(self) -> None:
        """Draw, unless paused."""
        if not self.paused:
            super().refresh()


@contextlib.contextmanager
def suspendable(live: Pausing, leave: str, enter: str, to: int) -> Iterator[None]:
    """Until its end a Ctrl-Z writes ``leave`` to the file ``to`` before this process stops, and ``enter`` once it goes
    on; ``live`` draws nothing between. Where Ctrl-Z is somebody else's matter already it stays so.
    """

    def stop(number: int, _: FrameType | None) -> None:
        live.paused = True
        _write(leave, to)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # not os.kill: this thread has to stop, and here
        signal.signal(number, stop)
        _write(enter, to)
        live.paused = False

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


ERASED = "\r\x1b[K\x1b[C\x1b[J\r"
"""From the line of the cursor on all is blank. Not by one J from its first column: at the top of the window tmux would
take that for a cleared screen, and keep what was on it among what has left it.
"""

_CUT, _PARTED = "\x1b[?7l", "\x1b[?7h"
"""What happens to a line that is longer than the terminal is wide."""


class Parked(Pausing):
    """Drawn with the cursor left at its beginning, where Rich leaves it at the end and counts the rows back.

    A terminal that is made narrower parts the lines that no longer fit, or cuts them off (xterm), so how many rows they
    take by then is anybody's guess. But it keeps the cursor at its character: all from there on is ours to erase. What
    has left the window is out of reach. For each row that the parting adds tmux moves one off the window's top, even
    where rows at its bottom are free: what it takes of a block near the top, it keeps above.
    """

    def get_renderable(self) -> RenderableType:
        """The block; nothing once it is being stopped."""
        return super().get_renderable() if self.is_started else ""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What is printed, in the place of the block, and the block below it."""
        above = [_Written(ERASED), *renderables]
        return [*above, _Frame(self.get_renderable())] if self.is_started else super().process_renderables(above)


class _Written:
    """Characters that tell the terminal something, and take no room."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text, None, [(ControlType.CLEAR,)])


class _Frame:
    """The block, and back to its beginning; never higher than the terminal, or wider if that has just changed."""

    def __init__(self, block: RenderableType) -> None:
        self._block = block

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first, *more = console.render_lines(self._block, options, pad=False)[: max(1, console.height)]
        yield _Written(_CUT)
        yield from first
        for line in more:
            yield Segment.line()
            yield from line
        yield _Written(f"{_PARTED}\r" + (f"\x1b[{len(more)}A" if more else ""))
