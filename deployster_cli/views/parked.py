"""A block below all that is printed, redrawn in place, on a terminal whose window may be made narrower meanwhile."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderResult
from rich.segment import ControlType, Segment

from deployster_cli.views.suspending import Pausing

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
