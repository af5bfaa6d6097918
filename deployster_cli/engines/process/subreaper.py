"""What a supervisor needs: children whose ends it waits for itself, and itself started again where it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess  # the package that starts processes  # nosec B404
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from deployster_cli.engines.process.start import NotStarted, reason

# prctl(2): a descendant whose parent ends becomes our child, not init's.
_PR_SET_CHILD_SUBREAPER = 36


# systemd's (systemd.exec(5)).
_UMASK = 0o022


class Place(NamedTuple):
    """Where and as whom a program runs. ``user``, ``group`` and ``groups`` are None where they are to stay."""

    env: Mapping[str, str]
    folder: str
    user: int | None = None
    group: int | None = None
    groups: Sequence[int] | None = None


def begin(program: str, argv: Sequence[str], place: Place, *, log: str) -> int:
    """Start a program in a session of its own, whose end the caller waits for; its process id.

    What it prints goes to the end of the file ``log``. NotStarted where it can't be run.
    """
    try:
        with open(log, "ab") as sink:  # noqa: PTH123 - a file descriptor to hand over
            child = subprocess.Popen(  # an argv from a unit file, and no shell  # nosec B603
                tuple(argv),
                executable=program,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=place.env,
                cwd=place.folder,
                umask=_UMASK,
                user=place.user,
                group=place.group,
                extra_groups=place.groups,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        of = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        raise NotStarted(argv, f"{of}{reason(error)}") from error
    child.returncode = 0  # the caller waits for it, and Python would complain of that
    return child.pid


def guarded(work: Callable[[bool], None]) -> None:
    """Do ``work`` in a child, and in another one (then it is given True) as often as that is killed.

    Both are told to adopt what their descendants leave behind: whichever of them is killed, the other has it all.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # no default, which would end us, nor ignored, which a child inherits
    killed = False
    while True:
        adopt()
        child = os.fork()
        if not child:
            adopt()
            os._exit(_code(work, killed))
        while (ended := os.waitpid(-1, 0))[0] != child:
            pass
        if not os.WIFSIGNALED(ended[1]):
            return
        killed = True


def adopt() -> None:
    """Have what our descendants leave behind become our children, not init's; only Linux knows how."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _code(work: Callable[[bool], None], killed: bool) -> int:
    try:
        work(killed)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
