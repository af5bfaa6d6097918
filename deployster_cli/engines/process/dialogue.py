"""A program that is given one piece of work after another, and answers each before it gets the next."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess  # the package that starts processes  # nosec B404
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from deployster_cli.engines.process.call import KEPT, MOST_PRINTED, Completed, tell
from deployster_cli.engines.process.start import kill, spawn

_PIECE = 65_536

# Bytes of the end of each stream that ``answered`` is shown: it is asked again with every piece.
_TAIL = 256


class Dialogue:
    """A program under way, with which one thread at a time talks while it is ``alive``. NotStarted as for ``run``."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        self._process = spawn(tuple(argv), stderr=subprocess.PIPE, env=env, cwd=None, stdin=subprocess.PIPE)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None  # noqa: S101 - pipes were asked for  # nosec B101
            os.set_blocking(pipe.fileno(), False)

    @property
    def alive(self) -> bool:
        """Whether it still runs, so that it may be given more."""
        return self._process.poll() is None

    def ask(
        self, given: str, answered: Callable[[bytes, bytes], bool], *, limit: float, argv: Sequence[str]
    ) -> Completed:
        """Give it a piece of work and gather what it prints until ``answered`` says of the ends of both streams, stdout
        and stderr, that this is all.

        The exit code is 0 then, and the program's own where it ended instead. It is killed at ``limit`` seconds, where
        it prints too much, and where the asking is interrupted. ``argv`` is what the call is known by.
        """
        began = time.monotonic()
        try:
            code, out, err = self._exchange(given.encode(errors="surrogateescape"), answered, began + limit)
        except BaseException:
            self.close()
            raise
        flooded = code is None and len(out) + len(err) > MOST_PRINTED
        if flooded:
            out, err = out[:KEPT], err[:KEPT]
        if code != 0 or not answered(out[-_TAIL:], err[-_TAIL:]):
            self.close()
        texts = out.decode(errors="replace"), err.decode(errors="replace")
        return tell(Completed(tuple(argv), code, *texts, time.monotonic() - began, flooded))

    def close(self) -> None:
        """End it, with all that it started here."""
        if self._process.returncode is None:
            kill(self._process)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

    def _exchange(
        self, left: bytes, answered: Callable[[bytes, bytes], bool], stop: float
    ) -> tuple[int | None, bytes, bytes]:
        """(0, its exit code, or None where it was killed; what it printed on stdout; on stderr)."""
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin and stdout and stderr  # noqa: S101 - pipes were asked for  # nosec B101
        found: dict[IO[bytes], bytearray] = {stdout: bytearray(), stderr: bytearray()}
        out, err = found[stdout], found[stderr]
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE)
            for pipe in found:
                selector.register(pipe, selectors.EVENT_READ)
            while (wait := stop - time.monotonic()) > 0 and len(out) + len(err) <= MOST_PRINTED:
                for key, _ in selector.select(wait):
                    if key.fileobj is stdin:
                        left = left[_written(stdin, left) :]
                        if not left:
                            selector.unregister(stdin)
                    elif piece := os.read(key.fd, _PIECE):
                        found[key.fileobj] += piece  # type: ignore[index]
                    else:
                        selector.unregister(key.fileobj)
                if answered(bytes(out[-_TAIL:]), bytes(err[-_TAIL:])):
                    return 0, bytes(out), bytes(err)
                if not any(key.fileobj is not stdin for key in selector.get_map().values()):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(max(0.0, stop - time.monotonic()))
                    return self._process.returncode, bytes(out), bytes(err)
        kill(self._process)
        return None, bytes(out), bytes(err)


def _written(pipe: IO[bytes], left: bytes) -> int:
    """How many bytes the program's stdin took; all of them where nobody reads it any more: its end is seen anyway."""
    try:
        return os.write(pipe.fileno(), left[:_PIECE])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(left)
