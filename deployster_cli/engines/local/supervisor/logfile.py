"""A unit's journal where there is no journald: a file to which the unit's processes write."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from deployster_cli.domain.units.journal import Entry
from deployster_cli.errors import EngineError

# Seconds between looks at whether the file has grown.
_LOOK = 0.1

_BLOCK = 64 * 1024

# Bytes of one entry.
LONGEST = 1024 * 1024


class LogFile:
    """engines.base.Entries from a file; an entry's place is where its line begins, its cursor where it ends.

    ``lines`` None is all of it. ``instead`` are lines that tell more than an empty file does. A line without its end is
    waited for while the file is followed; one of over LONGEST bytes comes in pieces.
    """

    def __init__(
        self, path: Path, lines: int | None, follow: bool, instead: Callable[[], Iterable[str]], *, after: str = ""
    ) -> None:
        self._path = path
        self._lines = lines
        self._follow = follow
        self._instead = instead
        self._after = int(after or 0)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Entry]:
        """Yield the last lines, then those that come."""
        try:
            if not self._follow and not (self._path.is_file() and self._path.stat().st_size):
                yield from (Entry(line, (0, at), own=False) for at, line in enumerate(self._instead(), 1))
                return
            while self._follow and not self._path.is_file():
                if self._closed.wait(_LOOK):
                    return
            with self._path.open("rb") as file:
                file.seek(self._after if self._after or self._lines is None else _begin(file, self._lines))
                yield from self._read(file)
        except OSError as error:
            raise EngineError(f"{self._path} can't be read: {error.strerror}.") from error

    def close(self) -> None:
        """No more of them."""
        self._closed.set()

    def _read(self, file: IO[bytes]) -> Iterator[Entry]:
        while not self._closed.is_set():
            at = file.tell()
            line = file.readline(LONGEST)
            ended = line.endswith(b"\n")
            if ended or len(line) == LONGEST or (line and not self._follow):
                text = line.decode(errors="replace")
                end = "\n" if ended else ""
                yield Entry(text.rstrip("\r\n") if ended else text, (at, 0), cursor=str(at + len(line)), end=end)
                continue
            if not self._follow:
                return
            file.seek(at)
            self._closed.wait(_LOOK)


def _begin(file: IO[bytes], lines: int) -> int:
    """Where the last ``lines`` lines begin; looks only at as much of the end as it has to."""
    size, block = file.seek(0, os.SEEK_END), _BLOCK
    while True:
        at = file.seek(max(0, size - block))
        before, *last = file.read(size - at)[:-1].rsplit(b"\n", lines)
        if len(last) == lines:
            return min(size, at + len(before) + 1)
        if at == 0:
            return 0
        block *= 2
