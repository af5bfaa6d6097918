"""Locks on one machine: flock on a file a service, let go by the kernel when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from deployster_cli.domain.lock import Note
from deployster_cli.engines.local.unit_folder import cure
from deployster_cli.errors import EngineMissing, InvalidInput


class LocalLocks:
    """engines.base.Locks in a folder. The file's content only says whose lock it is; flock decides."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def caveat(self) -> str:
        """Nobody."""
        return ""

    def put(self, note: Note, *, replace: bool = False) -> float:
        """Take the file if nobody has it, and write the note. It can be read back at once: 0.

        With ``replace`` a file that somebody else has is taken out of the way: who has it finds ours in its place.
        """
        if not self._holds(note.service) and not self._take(note.service):
            if not replace:
                return 0.0
            self._unlink(note.service)
            if not self._take(note.service):
                return 0.0
        if replace or self._note(self._held[note.service]) is None:
            with self._blaming(note.service):
                os.truncate(self._held[note.service], 0)
                os.pwrite(self._held[note.service], json.dumps(asdict(note)).encode(), 0)
        return 0.0

    def read(self, service: str) -> Note | None:
        """Return the note of whoever holds the file, ours included; None where nobody does."""
        if self._holds(service):
            return self._note(self._held[service])
        with self._blaming(service), contextlib.suppress(FileNotFoundError):
            file = os.open(self._path(service), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                return None if locked(file) else self._note(file)
            finally:
                os.close(file)
        return None

    def drop(self, service: str) -> None:
        """Let go of the file; one that somebody else holds is taken out of the way, so that the next gets a new one."""
        self._unlink(service)
        self._let_go(service)

    def end(self, note: Note) -> bool:  # noqa: ARG002 - as Locks has it
        """Do nothing: there is one place for all notes."""
        return False

    def shown(self, note: Note) -> bool:
        """Whether we hold the file, and it is still the one that others find."""
        return self._holds(note.service) and self._note(self._held[note.service]) == note

    def _holds(self, service: str) -> bool:
        """Whether the file that others find is ours. One that was taken out of the way is let go of."""
        file = self._held.get(service)
        with self._blaming(service):
            if file is None or _same(file, self._path(service)):
                return file is not None
        self._let_go(service)
        return False

    def _let_go(self, service: str) -> None:
        file = self._held.pop(service, None)
        if file is not None:
            os.close(file)

    def _unlink(self, service: str) -> None:
        with self._blaming(service), contextlib.suppress(FileNotFoundError):
            self._path(service).unlink()

    def _take(self, service: str) -> bool:
        """Whether the file is ours now. One that was unlinked while we waited for it is nobody's: look again."""
        with self._blaming(service):
            self._folder.mkdir(parents=True, exist_ok=True)
            while True:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                file = os.open(self._path(service), flags, 0o644)
                if not locked(file):
                    os.close(file)
                    return False
                if _same(file, self._path(service)):
                    os.truncate(file, 0)
                    self._held[service] = file
                    return True
                os.close(file)

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.lock"

    @staticmethod
    def _note(file: int) -> Note | None:
        from deployster_cli.domain.payloads import decode  # only what changes a service has a lock

        try:
            return decode(Note, json.loads(os.pread(file, 65536, 0)))
        except (ValueError, RecursionError, InvalidInput):
            return None

    @contextlib.contextmanager
    def _blaming(self, service: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EngineMissing(
                f"The lock of {service} in {self._folder} can't be used: {error.strerror}.",
                cure(error, "Give this user the right to write there."),
            ) from error


def locked(file: int, how: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock on this open file is ours now."""
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(file: int, path: Path) -> bool:
    """Whether the path still leads to this open file."""
    try:
        there, ours = path.stat(), os.fstat(file)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
