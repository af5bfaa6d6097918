"""Which processes there are and whose, as /proc tells it (proc(5))."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Collection
from itertools import chain, filterfalse
from pathlib import Path

_PROC = Path("/proc")

# States of what is no process any more, but for its parent.
_DEAD = (b"Z", b"X")

# systemd's variable (systemd.exec(5)), which tells the starts of a unit apart.
RUN = "INVOCATION_ID"

_SUPERVISOR = b"deployster_cli.engines.local.supervisor.runner"


def are_listed() -> bool:
    """Whether the system tells by /proc which processes there are."""
    return (_PROC / "self").exists()


def boot() -> str:
    """Return what this boot of the machine is known by."""
    return _read("sys/kernel/random", "boot_id").decode().strip()


def parents() -> dict[int, int]:
    """Every process that lives → its parent."""
    found: dict[int, int] = {}
    for pid in map(int, filter(str.isdigit, os.listdir(_PROC))):  # noqa: PTH208 - only the names, and quickly
        state, parent, *_ = [*_read(pid, "stat").rpartition(b")")[2].split(), b"X", b"0"]
        if state not in _DEAD:
            found[pid] = int(parent)
    return found


def below(roots: Collection[int]) -> set[int]:
    """All descendants of these processes, but for themselves and for what another supervisor looks after: a unit may
    start units, which are no part of it.
    """
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found, left = set[int](), list(roots)
    while left:
        new = [pid for pid in children.get(left.pop(), ()) if pid not in found and not supervises(pid)]
        found.update(new)
        left += new
    return found - set(roots)


def children(of: Collection[int]) -> set[int]:
    """Their children, the dead that they have not waited for too; none where the kernel doesn't list them. So quickly
    that a process which begins its successor and ends is still there when it is told a signal.
    """
    lists = [_read(pid, f"task/{pid}/children").split() for pid in of]
    return {pid for pid in map(int, chain(*lists)) if pid not in of and not supervises(pid)}


def supervises(pid: int, *about: str) -> bool:
    """Whether it is a supervisor of ours, with these arguments."""
    return {_SUPERVISOR, *map(os.fsencode, about)} <= set(_read(pid, "cmdline").split(b"\0"))


def put_mark(run: str) -> None:
    """Mark us and all that we will begin, and they, and so on: by a limit too high to limit anything, of a time that a
    process may run without a pause where it has real-time priority. Programs clear their environment, close their files
    and leave their session, but such limits they leave alone.
    """
    with contextlib.suppress(ValueError):  # a lower one is set; then there is the variable
        resource.setrlimit(resource.RLIMIT_RTTIME, (_mark(run), resource.getrlimit(resource.RLIMIT_RTTIME)[1]))


def _mark(run: str) -> int:
    """36,000 years in microseconds, and something of the run's own."""
    import hashlib  # slow to import, and only supervisors mark

    return (1 << 60) + int.from_bytes(hashlib.sha1(run.encode(), usedforsecurity=False).digest()[:7])


def marked(run: str) -> set[int]:
    """Those that have the run's mark or its variable, and all descendants; but for supervisors."""
    limit, variable = str(_mark(run)).encode(), f"{RUN}={run}".encode()
    found = {
        pid
        for pid in filterfalse(supervises, parents())
        if limit in _read(pid, "limits").split() or variable in _read(pid, "environ").split(b"\0")
    }
    return found | below(found)


def alive(pid: int) -> bool:
    """Whether there is a process of that number, whosever it is."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the latter for a number that no process has
        return False
    except OSError:  # it is another user's
        return True
    return True


def tell(pid: int, number: int) -> None:
    """Send a signal; to a process that has ended or is somebody else's, none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        if number != signal.SIGKILL:
            os.kill(pid, signal.SIGCONT)  # one that was stopped gets it now


def _read(of: int | str, what: str) -> bytes:
    try:
        return (_PROC / str(of) / what).read_bytes()
    except OSError:
        return b""
