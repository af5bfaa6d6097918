"""Which processes there are and whose, as /proc tells it (proc(5))."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
from collections.abc import Collection
from itertools import filterfalse
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_DEAD = frozenset({b"Z", b"X"})
"""States of what is no process any more, but for its parent."""

_STATE, _PARENT, _BEGAN = 0, 1, 19
"""Places in /proc/PID/stat behind the name."""


RUN = "INVOCATION_ID"
"""systemd's variable (systemd.exec(5)), which tells the starts of a unit apart."""

_SUPERVISOR = b"deployster_cli.engines.systemctl.supervisor"


class Process(NamedTuple):
    """One process. ``began`` is when, in clock ticks since the boot: with the pid it means this very process."""

    parent: int
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
    return Process(int(fields[_PARENT]), int(fields[_BEGAN]))


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


def children() -> set[int]:
    """Our own children, the dead that we have not waited for too; none where the kernel doesn't list them. So quickly
    that a process which begins its successor and ends is still there when it is told a signal.
    """
    with contextlib.suppress(OSError):
        return {pid for pid in map(int, (_PROC / "thread-self/children").read_bytes().split()) if not _supervises(pid)}
    return set()


def _supervises(pid: int) -> bool:
    return _SUPERVISOR in _read(pid, "cmdline").split(b"\0")[:4]


def put_mark(run: str) -> None:
    """Mark us and all that we will begin, and they, and so on: by a limit too high to limit anything, of a time that a
    process may run without a pause where it has real-time priority. Programs clear their environment, close their files
    and leave their session, but such limits they leave alone.
    """
    with contextlib.suppress(ValueError):  # a lower one is set; then there is the variable
        resource.setrlimit(resource.RLIMIT_RTTIME, (_mark(run), resource.getrlimit(resource.RLIMIT_RTTIME)[1]))


def _mark(run: str) -> int:
    """36,000 years in microseconds, and something of the run's own."""
    return (1 << 60) + int.from_bytes(hashlib.sha1(run.encode(), usedforsecurity=False).digest()[:7])


def marked(run: str) -> set[int]:
    """Those that have the run's mark or its variable, and all descendants; but for supervisors."""
    limit, variable = str(_mark(run)).encode(), f"{RUN}={run}".encode()
    found = {
        pid
        for pid in all_of_them()
        if limit in _read(pid, "limits").split() or variable in _read(pid, "environ").split(b"\0")
    }
    return set(filterfalse(_supervises, found)) | below(found)


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
