"""The lab's programs: those that are waited for, and those that go on when we are gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess  # the lab starts daemons  # nosec B404
import time
from collections.abc import Sequence
from pathlib import Path

# Seconds for one small program.
CALL = 60


class LabError(Exception):
    """Why the lab can't be had, in one sentence."""


class Missing(LabError):
    """A program that something needs is not here."""


def call(argv: Sequence[str], limit: float = CALL) -> str:
    """What a program prints; LabError with its own last words where it fails."""
    try:
        done = subprocess.run(  # an argv of ours, and no shell  # nosec B603
            argv, capture_output=True, text=True, timeout=limit, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(argv)} took longer than {limit:g} s.") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise LabError(f"{' '.join(argv)} failed: {' '.join(said)}")
    return done.stdout


def start(argv: Sequence[str], log: Path, note: Path) -> None:
    """Start a program in a session of its own, and note its process so that ``stop`` finds that one and no other."""
    with log.open("ab") as said:
        # an argv of ours, and no shell
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)  # nosec B603
    note.write_text(json.dumps({"pid": child.pid, "began": began(child.pid)}))


def began(pid: int) -> str:
    """When the process began, in the kernel's ticks; empty where there is none. A pid is used again, this is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def noted(note: Path) -> int | None:
    """The process that was noted there, if it still runs."""
    try:
        known = json.loads(note.read_text())
    except (OSError, ValueError):
        return None
    alive = known["began"] and began(known["pid"]) == known["began"]
    return int(known["pid"]) if alive else None


def stop(note: Path, *, hard: bool = False) -> None:
    """End a noted process: asked first, killed after 5 s. ``hard``: its children too, at once, as a plug is pulled."""
    pid = noted(note)
    if pid is not None:
        for each in [*(children(pid) if hard else ()), pid]:
            kill(each, signal.SIGKILL if hard else signal.SIGTERM)
        until = time.monotonic() + 5
        while noted(note) and time.monotonic() < until:
            time.sleep(0.1)
        kill(pid, signal.SIGKILL)
    note.unlink(missing_ok=True)


def kill(pid: int, how: signal.Signals) -> None:
    """Send a signal; a process that is gone needs none."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return


def children(pid: int) -> list[int]:
    """The children of a process."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
