"""Ctrl-Z while something is drawn in place: the shell gets its terminal as it was, and after ``fg`` it is drawn on."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from rich.live import Live

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
