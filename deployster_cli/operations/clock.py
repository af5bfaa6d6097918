"""Time, handed in so that tests can turn it."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import IO, Protocol


class Clock(Protocol):
    """Seconds that only go forward, waiting, and the wall clock."""

    def now(self) -> float:
        """Seconds since some fixed moment, those included that the machine was asleep."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def epoch(self) -> int:
        """Return the wall clock's time in whole seconds since 1970, for people: machines' clocks need not agree."""
        ...

    def utc(self) -> str:
        """Return the wall clock's time, RFC 3339 in UTC to the second."""
        ...


# The clock that goes on while a laptop's lid is closed: Linux's own for it; CLOCK_MONOTONIC does that on macOS.
_AWAKE_AND_ASLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Seconds, not moved by anybody setting the wall clock."""
        return time.clock_gettime(_AWAKE_AND_ASLEEP)

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)

    def epoch(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def utc(self) -> str:
        """Now, as ``2026-11-23T08:00:00Z``."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True, slots=True)
class ReadersClock(SystemClock):
    """The machine's clocks for whoever waits only so that the other end of ``pipe``, a file descriptor, is told."""

    pipe: int

    def sleep(self, seconds: float) -> None:
        """Wait; BrokenPipeError as soon as nobody reads any more. What is no pipe is never left by its readers."""
        poll = select.poll()
        poll.register(self.pipe, 0)  # POLLERR and POLLHUP are told of unasked
        if poll.poll(seconds * 1000):
            raise BrokenPipeError


def while_read(stream: IO[str] | None) -> Clock:
    """Return the machine's clocks, for as long as somebody reads what is written to ``stream``."""
    try:
        return ReadersClock(stream.fileno()) if stream else SystemClock()
    except (OSError, ValueError):  # no file, or a closed one
        return SystemClock()
