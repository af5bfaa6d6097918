"""The one place where processes start: an argv, perhaps input, and a time limit in; what happened out.

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


class NotStarted(Exception):
    """The program could not be run at all: ``reason`` is the system's word for why."""

    def __init__(self, argv: Sequence[str], reason: str) -> None:
        super().__init__(f"{argv[0]}: {reason}")
        self.argv = tuple(argv)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Completed:
    """One finished call. ``code`` is the exit code, negative for a signal, None where the time limit ended it.

    ``out`` and ``err`` are what it printed until then, bytes that are no UTF-8 replaced; ``seconds`` how long it took.
    """

    argv: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def timed_out(self) -> bool:
        """Whether it was still running at its time limit."""
        return self.code is None


class Running:
    """A process under way. Its time limit counts from its start, so several may run side by side."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        limit: float,
        text: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self._input = None if text is None else text.encode()
        self._limit = limit
        self._started = time.monotonic()
        self._process = _spawn(
            self.argv,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
        )

    def wait(self) -> Completed:
        """Its end, or its being killed at the limit (with all that it started). Kills it too when interrupted."""
        left = max(0.0, self._started + self._limit - time.monotonic())
        code: int | None
        try:
            out, err = self._process.communicate(self._input, timeout=left)
            code = self._process.returncode
        except subprocess.TimeoutExpired:
            _kill(self._process)
            out, err = self._rest()
            code = None
        except BaseException:
            _kill(self._process)
            raise
        seconds = time.monotonic() - self._started
        return Completed(self.argv, code, out.decode(errors="replace"), err.decode(errors="replace"), seconds)

    def kill(self) -> None:
        """End it now, with all that it started, where it still runs: for a caller that gives up before ``wait``."""
        if self._process.poll() is None:
            _kill(self._process)
            self._rest()

    def _rest(self) -> tuple[bytes, bytes]:
        """What a killed process had printed; nothing where some stranger it started still holds the pipe."""
        try:
            return self._process.communicate(timeout=1)
        except subprocess.TimeoutExpired as expired:
            return expired.output or b"", expired.stderr or b""


def run(
    argv: Sequence[str],
    *,
    limit: float,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Completed:
    """Run a program to its end or to ``limit`` seconds. NotStarted where it can't be run."""
    return Running(argv, limit=limit, text=text, env=env, cwd=cwd).wait()


def stream(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """A program's lines (both streams) as they come, without newlines; killed when the caller stops listening."""
    process = _spawn(tuple(argv), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, env=env, cwd=None)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        for line in process.stdout:
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
    argv: tuple[str, ...], *, stdin: int, stderr: int, env: Mapping[str, str] | None, cwd: str | None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own: a Ctrl-C on the terminal is ours to handle, not the child's to die of."""
    try:
        return subprocess.Popen(
            argv, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, env=env, cwd=cwd, start_new_session=True
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
