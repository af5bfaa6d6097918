"""Which processes there are and whose, as /proc tells it (proc(5))."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_DEAD = frozenset({b"Z", b"X"})
"""States of what is no process any more, but for its parent."""

_STATE, _PARENT, _SESSION, _BEGAN = 0, 1, 3, 19
"""Places in /proc/PID/stat behind the name."""


_SUPERVISOR = b"deployster_cli.engines.systemctl.supervisor"


class Process(NamedTuple):
    """One process. ``began`` is when, in clock ticks since the boot: with the pid it means this very process."""

    parent: int
    session: int
    began: int


def boot() -> str:
    """What this boot of the machine is known by."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def process(pid: int) -> Process | None:
    """One process; None where it is dead."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if len(fields) <= _BEGAN or fields[_STATE] in _DEAD:
        return None
    return Process(int(fields[_PARENT]), int(fields[_SESSION]), int(fields[_BEGAN]))


def all_of_them() -> dict[int, Process]:
    """Every process that lives, by its pid."""
    pids = [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208 - only the names, and quickly
    return {pid: found for pid in pids if (found := process(pid))}


def below(roots: Collection[int]) -> set[int]:
    """All descendants of these processes, but for themselves and for what another supervisor looks after: a unit may
    start units, which are no part of it.
    """
    children: dict[int, list[int]] = {}
    for pid, one in all_of_them().items():
        children.setdefault(one.parent, []).append(pid)
    found, left = set[int](), list(roots)
    while left:
        new = [pid for pid in children.get(left.pop(), ()) if pid not in found and not _supervises(pid)]
        found.update(new)
        left += new
    return found - set(roots)


def _writes(pid: int, journal: str) -> bool:
    with contextlib.suppress(OSError):
        return journal in {str((_PROC / str(pid) / "fd" / name).readlink()) for name in "12"}
    return False


def _supervises(pid: int) -> bool:
    return _SUPERVISOR in _read(pid, "cmdline").split(b"\0")[:4]


def marked(mark: str, journal: str, session: int) -> set[int]:
    """Those that have ``mark``, NAME=value, in their environment, that write to ``journal``, or that are of a session
    whose leader is gone or one of them; and all descendants.
    """
    living, journal = all_of_them(), os.path.realpath(journal)
    found = {pid for pid in living if mark.encode() in _read(pid, "environ").split(b"\0") or _writes(pid, journal)}
    if session and (session in found or session not in living):
        found |= {pid for pid, one in living.items() if one.session == session}
    return found | below(found)


def tell(pid: int, number: int) -> None:
    """Send a signal; to a process that has ended or is somebody else's, none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        if number != signal.SIGKILL:
            os.kill(pid, signal.SIGCONT)  # one that was stopped gets it now


def _read(pid: int, what: str) -> bytes:
    try:
        return (_PROC / str(pid) / what).read_bytes()
    except OSError:
        return b""
