"""Making fleetctl calls: their time limits, environment and files."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from deployster_cli.engines import process
from deployster_cli.engines.fleet import results
from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.declaration import DECLARATION, FleetOptions
from deployster_cli.engines.fleet.throttle import Rhythm
from deployster_cli.errors import EngineError, EngineMissing

if TYPE_CHECKING:
    from deployster_cli.engines.fleet.ssh.trust import Target, Trust

T = TypeVar("T")

# Seconds of a submit that pass after it has written (fleet 1.0.0, ``fleetctl.go``: waitForState).
SLEEPS = 0.25

# fleetctl talks to the API about one unit after another: what one may take on top of the limit of a call.
_SECONDS_PER_UNIT = 0.5

# Seconds that two calls may end apart: it is not worth a wait.
_CLOSE = 0.2

# Seconds that one call is begun behind the other at most, however long that took the last time.
_FAR = 3.0


class Calls:
    """Runs fleetctl with these options' time limits. EngineMissing where it can't be run."""

    def __init__(self, options: FleetOptions) -> None:
        self._options = options
        self.rhythm = Rhythm()
        self._apart = 0.0

    @cached_property
    def _trust(self) -> Trust:
        from deployster_cli.engines.fleet.ssh.trust import Trust  # only where a call failed

        return Trust(self._options, environment)

    def read(self, argv: Argv, beside: float = 0.0, to: Target = None) -> process.Completed:
        """One call that only reads; ``beside`` is seconds on top of its time limit, ``to`` whose machine it reaches.

        Here and below: EngineUnreachable where ssh let nobody in. A person may have been asked before.
        """
        limit = self._limit(self._options.read_timeout) + beside
        return self._let_in(lambda: process.run(argv, limit=limit, env=environment()), to)

    def note(self, argv: Argv, judge: Callable[[process.Completed], T], slept: float = 0.0) -> T:
        """One call that changes a unit that nobody starts: a lock's or a record's. As ``write``."""
        return self.write(argv, 1, judge, slept, aside=True)

    def write(
        self,
        argv: Argv,
        units: int,
        judge: Callable[[process.Completed], T],
        slept: float = 0.0,
        *,
        aside: bool = False,
    ) -> T:
        """One call that changes this many units, and what ``judge`` makes of it. ``slept`` is for how many seconds it
        only slept in the end.
        """
        limit = self._limit(self._options.write_timeout) + units * _SECONDS_PER_UNIT
        try:
            return judge(self._let_in(lambda: process.run(argv, limit=limit, env=environment())))
        finally:
            self.rhythm.changed(slept, aside=aside)

    def both(self, quick: Argv, slow: Argv) -> tuple[process.Completed, process.Completed]:
        """Two reading calls side by side. The quick one begins as much later as it was quicker the last time, so that
        both tell of the same moment: the last one, as a look is judged then.
        """
        late, soon = self.each((slow, quick), self._apart)
        apart = late.seconds - soon.seconds - _CLOSE
        self._apart = min(apart, _FAR) if apart > 0 else 0.0
        return soon, late

    def each(self, argvs: Sequence[Argv], apart: float = 0.0) -> tuple[process.Completed, ...]:
        """Return a few reading calls side by side: they are begun all at once, or so many seconds apart."""
        while True:
            done = self._side_by_side(argvs, apart)
            if not any(self._mended(one) for one in done):
                return done

    def explain(self, done: process.Completed, to: Target = None) -> process.Completed:
        """Return the call as it is, made by somebody else; EngineUnreachable, with all the facts, where ssh let nobody
        in.
        """
        self._trust.explain(done, to)
        return done

    def _let_in(self, call: Callable[[], process.Completed], to: Target = None) -> process.Completed:
        """Return a call made, and made again as often as a person has taken an unknown host key that stopped it."""
        with started(self._options):
            while self._mended(done := call(), to):
                pass
            return done

    def _mended(self, done: process.Completed, to: Target = None) -> bool:
        """Whether a call that failed may be made again. See Trust."""
        return bool(done.code) and self._trust.mended(done, to)

    def _side_by_side(self, argvs: Sequence[Argv], apart: float) -> tuple[process.Completed, ...]:
        limit = self._limit(self._options.read_timeout)
        with started(self._options), contextlib.ExitStack() as stack:
            running: list[process.Running] = []
            for argv in argvs:
                if running and apart:
                    time.sleep(apart)
                running.append(process.Running(argv, limit=limit, env=environment()))
                stack.callback(running[-1].kill)
            return tuple([one.wait() for one in reversed(running)][::-1])  # how long the last one took is told rightly

    def _limit(self, seconds: float) -> float:
        """Return a tunnel is an ssh connection, which has a time limit of its own on top."""
        return seconds + (self._options.ssh_timeout if self._options.tunnel else 0.0)


def environment() -> dict[str, str]:
    """Our environment without the variables that the options stand for: fleetctl 1.0 would read them itself."""
    return {name: value for name, value in os.environ.items() if name not in DECLARATION.variables}


@contextlib.contextmanager
def started(options: FleetOptions) -> Iterator[None]:
    """Turn "the program can't be run" into the engine's error for it."""
    try:
        yield
    except process.NotStarted as error:
        message = f"{options.fleetctl} can't be run: {error.reason}."
        raise EngineMissing(message, results.INSTALL, argv=error.argv) from error


def put(at: Path, files: Mapping[str, str]) -> None:
    """Write files, name → text, into a folder."""
    try:
        for name, text in files.items():
            (at / name).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"The unit files can't be written to {at}: {error.strerror}. Nothing was started."
        raise EngineError(message) from error
