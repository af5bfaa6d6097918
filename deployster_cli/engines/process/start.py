"""Starting and killing what we read from, and the list of what still runs: whoever leaves must leave none behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess  # the package that starts processes  # nosec B404
import threading
import weakref
from collections.abc import Collection, Mapping, Sequence
from typing import IO

# Every process of ours that may still run, but for those that are to outlive us. Changed with ``_spawning`` held.
_under_way: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()

_spawning = threading.Lock()

_leaving = threading.Event()


class NotStarted(Exception):
    """The program could not be run at all: ``reason`` is the system's word for why."""

    def __init__(self, argv: Sequence[str], reason: str) -> None:
        super().__init__(f"{argv[0]}: {reason}")
        self.argv = tuple(argv)
        self.reason = reason


def spawn(
    argv: tuple[str, ...],
    *,
    stderr: int,
    env: Mapping[str, str] | None,
    cwd: str | None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    keep: Collection[int] = (),
    ends_with_us: bool = False,
) -> subprocess.Popen[bytes]:
    """Return a process in a session of its own: a Ctrl-C on the terminal is ours to handle, not the child's to die of.

    ``keep`` are open files that it inherits under the same numbers. ``ends_with_us`` says that it needs no killing when
    we leave: it sees to that itself.
    """
    with _spawning:
        if _leaving.is_set():
            raise NotStarted(argv, "we are on our way out")
        try:
            process = subprocess.Popen(  # an argv that domain code has checked, and no shell  # nosec B603
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=env,
                cwd=cwd,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except (OSError, ValueError) as error:
            raise NotStarted(argv, reason(error)) from error
        if not ends_with_us:
            _under_way.add(process)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End it now, with all that is still in its session, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)


def end_all() -> None:
    """Kill every process of ours that still runs, and start no other: for who leaves without waiting for them.

    Not those that were started to outlive us.
    """
    with _spawning:
        _leaving.set()
        left = [process for process in _under_way if process.poll() is None]
    for process in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


atexit.register(end_all)
"""Whoever gave up waiting for a call, at a second Ctrl-C, leaves it to no one."""


def reason(error: Exception) -> str:
    """Return the system's word for why a program could not be started."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
