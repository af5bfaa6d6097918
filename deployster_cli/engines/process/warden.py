"""Looks after one program: ``python -c … PIPE PROGRAM ARGUMENT…``. Its exit code, or the signal it ended by, is ours.

Where the other end of the open file PIPE is closed first, however that came, the program is ended with all of its
descendants: those that have left its session too, where there is a /proc to tell them by (macOS has none; there it is
the program's process group). What it leaves behind when it ends by itself is left alone.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess  # the package that starts processes  # nosec B404
import sys
import time

from deployster_cli.engines.process import kin
from deployster_cli.engines.process.subreaper import adopt

# Seconds from SIGTERM to SIGKILL.
PATIENCE = 3.0

# Seconds that the killed ones have to be gone.
_AT_LAST = 1.0

_LOOK = 0.05
_CANT_RUN = 127
_FIXED = frozenset({signal.SIGKILL, signal.SIGSTOP})


def main(pipe: int, argv: list[str]) -> int:
    """Run the program; the exit code."""
    adopt()
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(argv, start_new_session=True)  # what follow was given, and no shell  # nosec B603
    except OSError as error:
        sys.stderr.write(f"{argv[0]} can't be run: {error.strerror}\n")
        return _CANT_RUN
    child.returncode = 0  # it is waited for here, and Python would complain of that
    while True:
        ready = select.select([pipe, wakes], [], [])[0]
        heard = os.read(wakes, 4096) if wakes in ready else b""
        if (status := _reaped().get(child.pid)) is not None:
            return _like(status)
        if pipe in ready or signal.SIGTERM in heard:
            break
    if not _ended(child.pid, signal.SIGTERM, PATIENCE):
        _ended(child.pid, signal.SIGKILL, _AT_LAST)
    return 128 + signal.SIGTERM


def _reaped() -> dict[int, int]:
    """Return the children that have ended, with how."""
    found = dict[int, int]()
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            found[child[0]] = child[1]
    return found


def _left(child: int) -> set[int]:
    """All descendants; without a /proc the child's process group, if any of it is there, as kill(2) takes it."""
    if kin.are_listed():
        return kin.below({os.getpid()})
    return {-child} if kin.alive(-child) else set()


def _ended(child: int, number: int, limit: float) -> bool:
    """Whether all descendants are gone within ``limit``, once told by this signal."""
    until, told = time.monotonic() + limit, set[int]()
    while left := _left(child):
        if time.monotonic() >= until:
            return False
        for pid in left - told:
            kin.tell(pid, number)
        told |= left
        time.sleep(_LOOK)
        _reaped()
    return True


def _like(status: int) -> int:
    """Return the exit code of what ended so; by a signal we end by the same one."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in _FIXED:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code
