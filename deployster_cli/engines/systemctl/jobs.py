"""Starts and stops through systemctl3 that are under way: one locked file a unit, which the kernel keeps true.

systemctl3 has no daemon: its ``start`` is itself the process that waits for ExecStartPre and ExecStartPost, and until
it is through it says "inactive", then "running". So each start or stop is a process of ours that holds the lock on
the unit's job file from before it begins until it ends, however it ends: whoever finds the file locked knows that the
unit is starting or stopping, and a lock that is free can't be a left-over.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from deployster_cli.domain.names import UnitName
from deployster_cli.engines.systemctl import output
from deployster_cli.engines.systemctl.output import Record

_SUFFIX = ".job"

_TRIES = 100
_PAUSE = 0.05
"""Seconds between looks at a lock that somebody else holds for a moment."""


class Jobs:
    """The job files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: UnitName) -> Path:
        """The unit's job file."""
        return self._folder / f"{name.text}{_SUFFIX}"

    def read(self) -> dict[str, tuple[Record, bool]]:
        """Unit → (what its file says, whether that job is under way)."""
        found: dict[str, tuple[Record, bool]] = {}
        for path in self._files():
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                busy = not _locked(file.fileno(), fcntl.LOCK_SH)
                record = read_record(file.fileno())
                if record:
                    found[path.name.removesuffix(_SUFFIX)] = (record, busy)
        return found

    def _files(self) -> list[Path]:
        """All job files. Not by glob, which takes a folder that it may not read for an empty one."""
        try:
            return [path for path in self._folder.iterdir() if path.suffix == _SUFFIX]
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def claimed(self, name: UnitName, verb: str) -> Iterator[int | None]:
        """The unit's job file, open and locked, for a process to inherit; None where another job is under way.

        But a stop ends a start that is under way, with its ExecStartPre or ExecStartPost, as systemd's does.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path(name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            yield lock if _won(lock, verb) else None
        finally:
            os.close(lock)

    def remove(self, name: UnitName) -> None:
        """Forget the unit's jobs."""
        self.path(name).unlink(missing_ok=True)


def read_record(file: int) -> Record | None:
    """What an open job file says."""
    return output.parse_record(os.pread(file, 256, 0).decode(errors="replace"))


def write_record(file: int, record: Record) -> None:
    """Put ``record`` in the place of what an open job file said."""
    os.pwrite(file, record.text.encode(), 0)


def _won(lock: int, verb: str) -> bool:
    """Whether the lock is ours now: at once, after a reader's look, or after the start that a stop has ended."""
    for _ in range(_TRIES):
        if _locked(lock, fcntl.LOCK_EX):
            return True
        running = read_record(lock)
        if running and running.under_way:
            if running.verb == "stop" or verb == "start":
                return False
            _end(running.pid)
        time.sleep(_PAUSE)
    return False


def _end(leader: int) -> None:
    """End a runner and its control processes; the unit's own process is in a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGTERM)


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
