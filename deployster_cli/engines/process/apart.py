"""Programs whose output we don't read: one that takes over this terminal, and those that outlive us."""

from __future__ import annotations

import os
import signal
import subprocess  # the package that starts processes  # nosec B404
import time
from collections.abc import Collection, Mapping, Sequence

from deployster_cli.engines.process.call import Completed, tell
from deployster_cli.engines.process.start import NotStarted, reason


def attach(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None) -> int:
    """Run a program on this terminal until it ends; its exit code. A person sits there, so there is no time limit.

    It hears of Ctrl-C itself: what that means is its business, and we wait for it. Any other interrupt of ours ends it.
    """
    began = time.monotonic()
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # an argv that domain code has checked, and no shell
        code = subprocess.run(tuple(argv), env=env, cwd=cwd, check=False).returncode  # nosec B603
    except OSError as error:
        raise NotStarted(argv, reason(error)) from error
    finally:
        signal.signal(signal.SIGINT, before)
    tell(Completed(tuple(argv), code, "", "", time.monotonic() - began))
    return code


# Kept so that those which have ended are reaped at the next one's start: a server lives long enough to need it.
_detached: list[int] = []


def detach(argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None, keep: Collection[int] = ()) -> None:
    """Start a program that outlives us; what it prints goes to the end of the file ``log``.

    ``keep`` are open files that it inherits under the same numbers, with the locks that are on them.
    """
    with open(log, "ab") as sink:  # noqa: PTH123 - a file descriptor to hand over
        try:
            child = subprocess.Popen(  # an argv that domain code has checked, and no shell  # nosec B603
                tuple(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=env,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except OSError as error:
            raise NotStarted(argv, reason(error)) from error
    child.returncode = 0  # nobody waits for it, and Python would complain of that when we end before it
    _detached[:] = [*(pid for pid in _detached if not _reaped(pid)), child.pid]


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
