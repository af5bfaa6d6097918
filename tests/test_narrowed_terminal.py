"""A window made narrower while a deploy goes on: tmux wraps the lines that no longer fit, as most terminals do."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects import LOCAL

pytestmark = pytest.mark.process

WIDE, NARROW = 90, 36

# Rows that are there already. With none tmux moves the beginning of the block out of the window, for good.
ABOVE = 8


class Window:
    """A window of tmux, 24 rows high, in which one command line runs."""

    def __init__(self, folder: Path, line: str) -> None:
        self._socket = folder / "tmux"
        words = [sys.executable, "-P", "-m", "deployster_cli", *line.split()]
        environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        self._tmux(
            "new-session",
            "-d",
            "-x",
            str(WIDE),
            "-y",
            "24",
            f"trap : INT; seq {ABOVE}; {shlex.join(words)}; exec sleep 60",
            env=environ,
        )

    def _tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        argv = ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *words]
        here = self._socket.parent
        done = subprocess.run(argv, cwd=here, env=env, check=True, capture_output=True, text=True, timeout=20)
        return done.stdout

    def narrow(self) -> None:
        """Make it narrower."""
        self._tmux("resize-window", "-x", str(NARROW))

    def press(self, key: str) -> None:
        """Press a key, as tmux calls it."""
        self._tmux("send-keys", key)

    def rows(self) -> list[str]:
        """What it shows, and above that what has left it."""
        return [row for row in self._tmux("capture-pane", "-p", "-S", "-").splitlines() if row]

    def rows_with(self, text: str) -> list[str]:
        """What it shows once this is on it, a regular expression."""
        until = time.monotonic() + 30
        while not re.search(text, "\n".join(rows := self.rows()), re.MULTILINE):
            assert time.monotonic() < until, f"{text!r} is not shown: {rows}"
            time.sleep(0.1)
        return rows

    def close(self) -> None:
        """End it, and all that runs in it."""
        self._tmux("kill-server")


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    if shutil.which("tmux") is None:
        pytest.skip("the program tmux is not installed")
    (tmp_path / "deployster.toml").write_text(LOCAL)
    shown = Window(tmp_path, "deploy carousel v1 --instances 2 --settle 6s")
    shown.rows_with(r"@1  running.*\n.*@2  running")
    yield shown
    shown.close()
    argv = [sys.executable, "-P", "-m", "deployster_cli", "destroy", "carousel", "v1", "--yes", "-q"]
    subprocess.run(argv, cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)}, check=True, timeout=60)


def test_the_block_is_drawn_over_its_parted_lines(window: Window) -> None:
    window.narrow()
    rows = window.rows_with("…$")
    assert [row[:8].rstrip() for row in rows if "@" in row] == ["Starting", "  @1  ru", "  @2  ru"]


def test_nothing_of_the_block_is_left_at_the_end(window: Window) -> None:
    window.narrow()
    rows = window.rows_with("Done")
    assert [re.sub(r"[\d.]+s$", "Ns", row) for row in rows[ABOVE:]] == [
        "Starting carousel v1 @1 @2",
        "  carousel v1 @1  ready on 127.0.0.1",
        "  Ns",
        "  carousel v1 @2  ready on 127.0.0.1",
        "  Ns",
        "Done: carousel v1 runs (2",
        "  instances). Ns",
    ]


def test_nothing_of_the_block_is_left_after_ctrl_c(window: Window) -> None:
    window.press("C-c")
    assert window.rows_with("shows what runs")[ABOVE:] == [
        "Starting carousel v1 @1 @2",
        "Error: Interrupted. Started so far: carousel v1 @1 @2; nothing was undone.",
        "Run the same command again to continue; deployster units carousel shows what runs.",
    ]
