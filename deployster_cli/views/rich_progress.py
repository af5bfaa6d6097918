"""Progress on a terminal: coloured lines, and below them one that lives while a rollout waits."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

STYLES = {"head": "bold", "dim": "", "good": "green", "bad": "bold red", "warn": "yellow"}


class RichLines:
    """Lines above a spinner on standard error."""

    def __init__(self, *, color: bool) -> None:
        self._console = Console(stderr=True, no_color=not color, highlight=False)
        self._status = self._console.status("", spinner="dots")

    def write(self, tone: str, text: str) -> None:
        """One line, above the spinner; one that is too long goes on below, parted between words."""
        self._console.print(Text(text, style=STYLES[tone]))

    def wait(self, text: str) -> None:
        """What the spinner says from now on."""
        self._status.update(Text(text, style="dim", overflow="ellipsis", no_wrap=True))
        self._status.start()

    def close(self) -> None:
        """Take the spinner away."""
        self._status.stop()
