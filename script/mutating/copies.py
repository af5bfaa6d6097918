"""Copies of the checkout, each with its own pytest: what is changed there is changed nowhere else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess  # it runs pytest and git  # nosec B404
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Stands for the exit code of what was ended at its limit.
TIMED_OUT = -1

# The tests that start no process and need nothing.
PLAIN = "not (process or fleet or systemd or docker or browser or systemd_analyze)"


class Copy:
    """One copy in ``folder``, which is made."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self._written = time.time()
        # an argv of ours, and no shell
        listed = subprocess.run(  # nosec
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name)

    def write(self, name: str, text: str) -> None:
        """Put this text into a file. Python goes by a file's second, so each text has one of its own."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        self._written += 2
        os.utime(path, (self._written, self._written))

    def pytest(self, words: Sequence[str], limit: float, under: Sequence[str] = (), **more: str) -> tuple[int, str]:
        """The exit code and the output of one run, TIMED_OUT after ``limit`` seconds."""
        argv = [sys.executable, *under, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *words]
        # an argv of ours, and no shell
        with subprocess.Popen(  # nosec B603
            argv,
            cwd=self.folder,
            env=self._environment(more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as running:
            try:
                out, _ = running.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                return TIMED_OUT, ""
        return running.returncode, out

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        here = {"PYTHONPATH": os.pathsep.join([str(self.folder), str(Path(__file__).parent)])}
        return {**os.environ, **here, **more}
