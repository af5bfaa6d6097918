"""Output as it comes: of programs that go on until they are told to stop, or for long."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess  # the package that starts processes  # nosec B404
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from deployster_cli.engines.process.call import Completed, tell
from deployster_cli.engines.process.start import kill, spawn

# Seconds between looks at whether a program that is followed has ended.
_LOOK = 0.05

# Bytes read at once, and kept of what a stream said on stderr.
_PIECE = 65_536

# Bytes of one line of ``follow``; what is longer comes in pieces.
_LONGEST_LINE = 1024 * 1024

# Seconds between looks at whether a silent stream was closed while some stranger held its pipe.
_LOOK_AT_STREAM = 0.5


_PACKAGE_IN = str(Path(__file__).absolute().parents[3])

# Finds this very package whatever a hook's folder and environment are. All else comes from where it always does.
_WARDEN = (
    f"import sys; sys.path.insert(0, {_PACKAGE_IN!r}); import deployster_cli; del sys.path[0]; "
    "from deployster_cli.engines.process import warden; sys.exit(warden.main(int(sys.argv[1]), sys.argv[2:]))"
)

# Seconds for the warden to end what it looks after, which takes it four at most where the machine is idle.
_ENDS_WITHIN = 8.0


class Stream:
    """A program's output as it comes. One thread reads it; any thread may close it, and then the reading ends.

    ``limit`` is seconds of silence until it is killed, None where it goes on until it is closed. What is read slowly
    is not silent. ``given`` is what it finds on stdin: no more than a pipe holds, as nobody waits for its being read.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
        given: str | None = None,
    ) -> None:
        self._argv = tuple(argv)
        self._began = time.monotonic()
        self._limit = limit
        self._said = b""
        self._ending = threading.Lock()
        self._ended = False
        self._heard = self._began
        stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
        self._process = spawn(self._argv, stderr=subprocess.PIPE, env=env, cwd=None, stdin=stdin)
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
                pipe.write((given or "").encode())
        self.closed = False

    def __iter__(self) -> Generator[bytes, None, None]:
        """Return what it prints on stdout, in pieces, until it has ended, was closed or has come to its limit."""
        out, err = self._process.stdout, self._process.stderr
        assert out is not None  # noqa: S101 - pipes were asked for  # nosec B101
        assert err is not None  # noqa: S101  # nosec B101
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
        code = None if self._late and self._process.returncode == -signal.SIGKILL else self._process.returncode
        return Completed(self._argv, code, "", self._said.decode(errors="replace"), seconds)

    def _read(self, selector: selectors.BaseSelector, err: IO[bytes]) -> Iterator[bytes]:
        while selector.get_map() and not self.closed and not self._late:
            for key, _ in selector.select(_LOOK_AT_STREAM):
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    selector.unregister(key.fileobj)
                elif key.fileobj is err:
                    self._said = (self._said + piece)[-_PIECE:]
                elif not self.closed:
                    yield piece
                self._heard = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0 if self.closed or self._late else _LOOK_AT_STREAM)

    @property
    def _late(self) -> bool:
        return self._limit is not None and time.monotonic() - self._heard >= self._limit

    def _end(self) -> None:
        with self._ending:
            if not self._ended:
                self._ended = True
                if self._process.returncode is None:
                    kill(self._process)
                tell(self.completed())


def follow(
    argv: Sequence[str],
    said: Callable[[str], None],
    *,
    limit: float,
    given: str = "",
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    pulse: Callable[[], None] = lambda: None,
) -> int | None:
    """Run a program and call ``said`` with each of its lines (both streams) as it comes; its exit code, None where it
    was ended at ``limit`` seconds.

    ``given`` is what it finds on stdin, whether it reads it or not. It is ended with all that it started, whatever
    session that is in, when ``said`` or ``pulse`` raises or the caller is killed; what it leaves behind when it ends by
    itself is left alone, though it holds our pipe. ``pulse`` is called many times a second, whether it prints or not.
    """
    from tempfile import TemporaryFile  # slow to import, and listings need none

    stop = time.monotonic() + limit
    theirs, ours = os.pipe()
    try:
        with TemporaryFile() as stdin:
            stdin.write(given.encode())
            stdin.seek(0)
            watched = (sys.executable, "-P", "-c", _WARDEN, str(theirs), *argv)
            process = spawn(
                watched, stdin=stdin, stderr=subprocess.STDOUT, env=env, cwd=cwd, keep=(theirs,), ends_with_us=True
            )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for  # nosec B101
    try:
        for line in _lines(_chunks(process, process.stdout, stop, pulse)):
            said(line)
        return process.wait(max(stop - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        return None
    finally:
        os.close(ours)  # tells the warden
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_WITHIN)
        process.stdout.close()


def _chunks(
    process: subprocess.Popen[bytes], pipe: IO[bytes], stop: float, pulse: Callable[[], None]
) -> Iterator[bytes]:
    """Yield what the process prints, until it has ended or closed its output, or until ``stop``."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := stop - time.monotonic()) > 0:
            pulse()
            ended = process.poll() is not None
            if selector.select(0 if ended else min(left, _LOOK)):
                chunk = os.read(pipe.fileno(), _PIECE)
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
