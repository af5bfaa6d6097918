"""A terminal that commands run on, and what stands on it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pexpect
import pyte
from rich.style import Style
from rich.text import Text

PROMPT = "$ "

# What stands in the place of this machine's own id, which is nobody's business.
SHOWN_MACHINE_ID = "8dcea1bd8c304e1bbe2c25dce526109c"

# pyte's names of colours that Rich calls otherwise.
_NAMES = {"brown": "yellow", "brightblack": "bright_black"}


class Terminal:
    """``columns`` wide, and so long that nothing is lost above."""

    def __init__(self, here: Path, columns: int) -> None:
        self._here = here
        self._screen = pyte.Screen(columns, 100)
        self._stream = pyte.Stream(self._screen)
        file = Path("/etc/machine-id")
        self._machine_id = (file.exists() and file.read_text().strip()) or SHOWN_MACHINE_ID
        self.shots: list[list[Text]] = []

    def type(self, line: str, *, shot: float = 0.0) -> None:
        """Run a command line; with ``shot``, keep what stands there that many seconds into it."""
        self._stream.feed(f"{PROMPT}{line}\r\n")
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", line],
            cwd=str(self._here),
            env=self._environ(),
            dimensions=(30, self._screen.columns),
            encoding="utf-8",
        )
        started = time.monotonic()
        while (text := self._read(child)) is not None:
            if shot and time.monotonic() - started > shot:
                self.shots.append(self.lines())
                shot = 0.0
            self._stream.feed(text)
        child.close()

    def _read(self, child: pexpect.spawn[str]) -> str | None:
        try:
            return child.read_nonblocking(4096, timeout=60).replace(self._machine_id, SHOWN_MACHINE_ID)
        except pexpect.EOF:
            return None

    def _environ(self) -> dict[str, str]:
        program = str(Path(sys.executable).parent)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DEPLOYSTER_", "GITHUB_"))}
        return {**kept, "PATH": f"{program}:{os.environ['PATH']}", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}

    def lines(self) -> list[Text]:
        """What stands there, without the empty lines at the end."""
        last = max((at for at, line in enumerate(self._screen.display) if line.strip()), default=-1)
        return [self._line(at) for at in range(last + 1)]

    def _line(self, at: int) -> Text:
        text = Text()
        for column in range(self._screen.columns):
            char = self._screen.buffer[at][column]
            style = Style(color=_colour(char.fg), bold=char.bold, italic=char.italics, underline=char.underscore)
            text.append(char.data, style)
        return text


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    return f"#{name}" if len(name) == 6 and not name.isalpha() else _NAMES.get(name, name)  # noqa: PLR2004
