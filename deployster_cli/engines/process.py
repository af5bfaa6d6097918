"""The one place where processes start: an argv and a time limit in; what happened out.

Mechanism only. What an exit code or a line means is decided by the engine that made the call.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO

MOST_PRINTED = 64 * 1024 * 1024
"""Bytes of both streams together that one call may print. A listing of 10,000 units is about 2 MB."""

_LOOK = 0.05
"""Seconds between looks at how much a process has printed: a pipe brings some 50 MB in that time."""

_LAST_LOOK = 0.01
"""Seconds to read what ended while we waited for another process, and have come back to after its limit."""

_KEPT = 65_536
"""Bytes kept of each stream of a process that printed too much: enough to see what it was."""

_LONGEST_LINE = 1024 * 1024
"""Bytes of one line of ``follow``; what is longer comes in pieces."""

_LOOK_AT_STREAM = 0.5
"""Seconds between looks at whether a silent stream was closed while some stranger held its pipe."""


_under_way: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()
"""Every process of ours that may still run, but for those that are to outlive us. Changed with ``_spawning`` held."""

_spawning = threading.Lock()

_leaving = threading.Event()

_observer: ContextVar[Callable[[Completed], None] | None] = ContextVar("observer", default=None)


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


def _tell(done: Completed) -> Completed:
    if observer := _observer.get():
        observer(done)
    return done


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
        texts = out.decode(errors="replace"), err.decode(errors="replace")
        return _tell(Completed(self.argv, code, *texts, seconds, flooded))

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


class Stream:
    """A program's output as it comes. One thread reads it; any thread may close it, and then the reading ends.

    ``limit`` is seconds until it is killed, None where it goes on until it is closed.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, limit: float | None = None
    ) -> None:
        self._argv = tuple(argv)
        self._began = time.monotonic()
        self._limit = limit
        self._said = b""
        self._told = False
        self._ending = threading.Lock()
        self._ended = False
        self._process = _spawn(self._argv, stderr=subprocess.PIPE, env=env, cwd=None)
        self.closed = False

    def __iter__(self) -> Generator[bytes, None, None]:
        """What it prints on stdout, in pieces, until it has ended, was closed or has come to its limit."""
        out, err = self._process.stdout, self._process.stderr
        assert out is not None  # noqa: S101 - pipes were asked for
        assert err is not None  # noqa: S101
        with selectors.DefaultSelector() as selector, out, err:
            selector.register(out, selectors.EVENT_READ)
            selector.register(err, selectors.EVENT_READ)
            try:
                yield from self._read(selector, err)
            finally:
                self._end()

    def close(self) -> None:
        """End it, with all that it started."""
        self.closed = True
        self._end()

    def completed(self) -> Completed:
        """How it ended, without what it printed on stdout: for who has read that to its end."""
        seconds = time.monotonic() - self._began
        late = self._limit is not None and seconds >= self._limit
        code = None if late and self._process.returncode == -signal.SIGKILL else self._process.returncode
        return Completed(self._argv, code, "", self._said.decode(errors="replace"), seconds)

    def _read(self, selector: selectors.BaseSelector, err: IO[bytes]) -> Iterator[bytes]:
        while selector.get_map() and not self.closed and not self._late:
            for key, _ in selector.select(_LOOK_AT_STREAM):
                piece = os.read(key.fd, _KEPT)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is err:
                    self._said = (self._said + piece)[-_KEPT:]
                elif not self.closed:
                    yield piece
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0 if self.closed or self._late else _LOOK_AT_STREAM)

    @property
    def _late(self) -> bool:
        return self._limit is not None and time.monotonic() - self._began >= self._limit

    def _end(self) -> None:
        with self._ending:
            if not self._ended:
                self._ended = True
                if self._process.returncode is None:
                    _kill(self._process)
                _tell(self.completed())


def follow(
    argv: Sequence[str],
    *,
    limit: float,
    given: str = "",
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    pulse: Callable[[], None] = lambda: None,
) -> Generator[str, None, int | None]:
    """A program's lines (both streams) as they come; its exit code, None where it was killed at ``limit`` seconds.

    ``given`` is what it finds on stdin, whether it reads it or not. It is killed with all that it started when the
    caller stops listening; what it leaves behind when it ends by itself is left alone, though it holds our pipe.
    ``pulse`` is called many times a second, whether it prints or not.
    """
    stop = time.monotonic() + limit
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given.encode())
        stdin.seek(0)
        process = _spawn(tuple(argv), stdin=stdin, stderr=subprocess.STDOUT, env=env, cwd=cwd)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    try:
        yield from _lines(_chunks(process, process.stdout, stop, pulse))
        return process.wait(max(stop - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            _kill(process)
        process.stdout.close()


def _chunks(
    process: subprocess.Popen[bytes], pipe: IO[bytes], stop: float, pulse: Callable[[], None]
) -> Iterator[bytes]:
    """What the process prints, until it has ended or closed its output, or until ``stop``."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := stop - time.monotonic()) > 0:
            pulse()
            ended = process.poll() is not None
            if selector.select(0 if ended else min(left, _LOOK)):
                chunk = os.read(pipe.fileno(), _KEPT)
                if not chunk:
                    return
                yield chunk
            elif ended:
                return


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
    if rest:
        yield rest.decode(errors="replace")


def attach(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None) -> int:
    """Run a program on this terminal until it ends; its exit code. A person sits there, so there is no time limit.

    It hears of Ctrl-C itself: what that means is its business, and we wait for it. Any other interrupt of ours ends it.
    """
    began = time.monotonic()
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run(tuple(argv), env=env, cwd=cwd, check=False).returncode
    except OSError as error:
        raise NotStarted(argv, _reason(error)) from error
    finally:
        signal.signal(signal.SIGINT, before)
    _tell(Completed(tuple(argv), code, "", "", time.monotonic() - began))
    return code


_detached: list[int] = []
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
    child.returncode = 0  # nobody waits for it, and Python would complain of that when we end before it
    _detached[:] = [*(pid for pid in _detached if not _reaped(pid)), child.pid]


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _spawn(
    argv: tuple[str, ...],
    *,
    stderr: int,
    env: Mapping[str, str] | None,
    cwd: str | None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """A process in a session of its own: a Ctrl-C on the terminal is ours to handle, not the child's to die of."""
    with _spawning:
        if _leaving.is_set():
            raise NotStarted(argv, "we are on our way out")
        try:
            process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise NotStarted(argv, _reason(error)) from error
        _under_way.add(process)
        return process


def end_all() -> None:
    """Kill every process of ours that still runs, and start no other: for who leaves without waiting for them.

    Not those that were started to outlive us.
    """
    with _spawning:
        _leaving.set()
        left = [process for process in _under_way if process.poll() is None]
    for process in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
