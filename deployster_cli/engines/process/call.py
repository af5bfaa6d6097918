"""One call from its start to its end: waited for, its output gathered, killed at its limit."""

from __future__ import annotations

import contextlib
import subprocess  # the package that starts processes  # nosec B404
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple

from deployster_cli.engines.process.start import kill, spawn

# Bytes of both streams together that one call may print. A listing of 10,000 units is about 2 MB.
MOST_PRINTED = 64 * 1024 * 1024

# Seconds between looks at how much a process has printed: a pipe brings some 50 MB in that time.
_LOOK = 0.05

# Seconds to read what ended while we waited for another process, and have come back to after its limit.
_LAST_LOOK = 0.01

# Bytes kept of each stream of a process that printed too much: enough to see what it was.
KEPT = 65_536

_observer: ContextVar[Callable[[Completed], None] | None] = ContextVar("observer", default=None)


class Completed(NamedTuple):
    """One finished call. ``code`` is the exit code, negative for a signal, None where we stopped it: at its time limit,
    or (``flooded``) because it printed more than MOST_PRINTED.

    ``out`` and ``err`` are what it printed until then, bytes that are no UTF-8 replaced, and only their beginnings
    where it flooded; ``seconds`` is how long it took.
    """

    argv: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float
    flooded: bool = False

    @property
    def timed_out(self) -> bool:
        """Whether it was still running at its time limit."""
        return self.code is None and not self.flooded


@contextlib.contextmanager
def observed(observer: Callable[[Completed], None]) -> Iterator[None]:
    """Within this, ``observer`` is told of every engine's call that has ended: not of those that outlive us, and not of
    ``follow``, whose argv may be a user's own line with secrets in it.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def tell(done: Completed) -> Completed:
    """Hand it on as it is, once the observer, where there is one, was told."""
    if observer := _observer.get():
        observer(done)
    return done


class Running:
    """A process under way. Its time limit counts from its start, so several may run side by side.

    ``given`` is what it finds on stdin, written while it is waited for; nothing where it is None.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        limit: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        given: str | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self._limit = limit
        self._started = time.monotonic()
        self._ended = False
        self._given = given.encode(errors="surrogateescape") if given is not None else None
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        self._process = spawn(self.argv, stderr=subprocess.PIPE, env=env, cwd=cwd, stdin=stdin)

    def wait(self) -> Completed:
        """Its end, or its being killed (with all that it started) at the limit or for printing too much.

        Kills it too when interrupted.
        """
        try:
            code, out, err = self._follow()
        except BaseException:
            self.kill()
            raise
        flooded = len(out) + len(err) > MOST_PRINTED
        if flooded:
            code, out, err = None, out[:KEPT], err[:KEPT]
        seconds = time.monotonic() - self._started
        texts = out.decode(errors="replace"), err.decode(errors="replace")
        return tell(Completed(self.argv, code, *texts, seconds, flooded))

    def kill(self) -> None:
        """End it now, with all that it started, where it still runs: for a caller that gives up before ``wait``."""
        if not self._ended:
            self._end()

    def _follow(self) -> tuple[int | None, bytes, bytes]:
        """Its exit code (None where it was killed) and what it printed. Looks now and then how much that is."""
        stop = self._started + self._limit
        while True:
            left = stop - time.monotonic()
            try:
                given, self._given = self._given, None
                out, err = self._process.communicate(given, timeout=min(max(left, _LAST_LOOK), _LOOK))
            except subprocess.TimeoutExpired as expired:
                if left <= _LOOK or _size(expired) > MOST_PRINTED:
                    return (None, *self._end())
            else:
                self._ended = True
                return self._process.returncode, out, err

    def _end(self) -> tuple[bytes, bytes]:
        """Kill it and close its pipes, which some stranger that it started may still write to; what it had printed."""
        self._ended = True
        kill(self._process)
        try:
            return self._process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired as expired:
            return expired.output or b"", expired.stderr or b""
        finally:
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe:
                    pipe.close()


def _size(expired: subprocess.TimeoutExpired) -> int:
    """Bytes that a process printed until communicate gave up on it."""
    return len(expired.output or b"") + len(expired.stderr or b"")


def run(
    argv: Sequence[str],
    *,
    limit: float,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    given: str | None = None,
) -> Completed:
    """Run a program to its end or to ``limit`` seconds. NotStarted where it can't be run."""
    return Running(argv, limit=limit, env=env, cwd=cwd, given=given).wait()
