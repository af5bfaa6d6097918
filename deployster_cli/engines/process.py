"""The one place where processes start: an argv and a time limit in; what happened out.

Mechanism only. What an exit code or a line means is decided by the engine that made the call.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_PRINTED = 64 * 1024 * 1024
"""Bytes of both streams together that one call may print. A listing of 10,000 units is about 2 MB."""

_LOOK = 0.05
"""Seconds between looks at how much a process has printed: a pipe brings some 50 MB in that time."""

_LAST_LOOK = 0.01
"""Seconds to read what ended while we waited for another process, and have come back to after its limit."""

_KEPT = 65_536
"""Bytes kept of each stream of a process that printed too much: enough to see what it was."""

_LONGEST_LINE = 1024 * 1024
"""Bytes of one line of ``stream``; what is longer comes in pieces."""


class NotStarted(Exception):
    """The program could not be run at all: ``reason`` is the system's word for why."""

    def __init__(self, argv: Sequence[str], reason: str) -> None:
        super().__init__(f"{argv[0]}: {reason}")
        self.argv = tuple(argv)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Completed:
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


class Running:
    """A process under way. Its time limit counts from its start, so several may run side by side."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        limit: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self._limit = limit
        self._started = time.monotonic()
        self._ended = False
        self._process = _spawn(self.argv, stderr=subprocess.PIPE, env=env, cwd=cwd)

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
            code, out, err = None, out[:_KEPT], err[:_KEPT]
        seconds = time.monotonic() - self._started
        return Completed(self.argv, code, out.decode(errors="replace"), err.decode(errors="replace"), seconds, flooded)

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
                out, err = self._process.communicate(timeout=min(max(left, _LAST_LOOK), _LOOK))
            except subprocess.TimeoutExpired as expired:
                if left <= _LOOK or _size(expired) > MOST_PRINTED:
                    return (None, *self._end())
            else:
                self._ended = True
                return self._process.returncode, out, err

    def _end(self) -> tuple[bytes, bytes]:
        """Kill it and close its pipes, which some stranger that it started may still write to; what it had printed."""
        self._ended = True
        _kill(self._process)
        try:
            return self._process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired as expired:
            return expired.output or b"", expired.stderr or b""
        finally:
            for pipe in (self._process.stdout, self._process.stderr):
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
) -> Completed:
    """Run a program to its end or to ``limit`` seconds. NotStarted where it can't be run."""
    return Running(argv, limit=limit, env=env, cwd=cwd).wait()


def stream(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """A program's lines (both streams) as they come, without newlines; killed when the caller stops listening."""
    process = _spawn(tuple(argv), stderr=subprocess.STDOUT, env=env, cwd=None)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        while line := process.stdout.readline(_LONGEST_LINE):
            yield line.decode(errors="replace").rstrip("\r\n")
    finally:
        _kill(process)
        process.stdout.close()


def attach(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a program on this terminal until it ends; its exit code. A person sits there, so there is no time limit."""
    try:
        return subprocess.run(tuple(argv), env=env, check=False).returncode
    except OSError as error:
        raise NotStarted(argv, _reason(error)) from error


_detached: list[subprocess.Popen[bytes]] = []
"""Kept so that those which have ended are reaped at the next one's start: a server lives long enough to need it."""


def detach(argv: Sequence[str], *, log: str, env: Mapping[str, str] | None = None, keep: Collection[int] = ()) -> None:
    """Start a program that outlives us; what it prints goes to the end of the file ``log``.

    ``keep`` are open files that it inherits under the same numbers, with the locks that are on them.
    """
    with open(log, "ab") as sink:  # noqa: PTH123 - a file descriptor to hand over
        try:
            child = subprocess.Popen(
                tuple(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=env,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except OSError as error:
            raise NotStarted(argv, _reason(error)) from error
    _detached[:] = [other for other in _detached if other.poll() is None] + [child]


def _spawn(
    argv: tuple[str, ...], *, stderr: int, env: Mapping[str, str] | None, cwd: str | None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own: a Ctrl-C on the terminal is ours to handle, not the child's to die of."""
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotStarted(argv, _reason(error)) from error


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
