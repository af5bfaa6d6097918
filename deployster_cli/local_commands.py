"""Programs of this machine that are no engine's: hooks, and what tells of the ssh-agent."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.engines import process
from deployster_cli.operations.hooks import HookResult, Pulse, Running

_AGENT_LIMIT = 5.0
_NO_KEYS = 1
_NO_AGENT = (
    "There is no ssh-agent that answers.",
    'Start one with eval "$(ssh-agent)", and give it your key with ssh-add: logs and ssh need it.',
)


_WATCHED = '(read -r _ < "$2" || kill -s KILL -- -$$) > /dev/null 2>&1 & exec /bin/sh -c "$1"'
"""The line, with somebody beside it who kills all of its session that is left when we are gone, however we went: a pipe
of which we have the other end tells, and a line in it that all went well.
"""


@contextlib.contextmanager
def _lifeline() -> Iterator[tuple[int, Callable[[], object]]]:
    """A pipe whose reader is told by its end that this process is gone; and what tells that it is needed no more."""
    theirs, ours = os.pipe()
    try:
        yield theirs, lambda: os.write(ours, b"\n")
    finally:
        os.close(theirs)
        os.close(ours)


@dataclass(frozen=True, slots=True)
class LocalCommands:
    """Runs hooks by /bin/sh in ``folder``; each line has ``limit`` seconds. The HookRunner of real runs."""

    folder: Path
    limit: float

    def run(self, line: str, variables: Mapping[str, str], stdin: str, pulse: Pulse) -> Running:
        """The line's output as it comes, and how it ended."""
        started = time.monotonic()
        with _lifeline() as (theirs, over):
            try:
                code = yield from process.follow(
                    ("/bin/sh", "-c", _WATCHED, "/bin/sh", line, f"/dev/fd/{theirs}"),
                    limit=self.limit,
                    given=stdin,
                    env={**os.environ, **variables},
                    cwd=str(self.folder),
                    pulse=pulse,
                    keep=(theirs,),
                )
            except process.NotStarted as error:
                return HookResult(None, 0.0, f"can't be run in {self.folder}: {error.reason}")
            over()
        return HookResult(code, time.monotonic() - started)


def agent_problem() -> tuple[str, str]:
    """Why fleetctl finds no key in the ssh-agent, and the cure; empty where it does, or where nobody can tell."""
    try:
        done = process.run(("ssh-add", "-l"), limit=_AGENT_LIMIT)
    except process.NotStarted:
        return "", ""
    if done.code == 0:
        return "", ""
    if done.code == _NO_KEYS:
        return "The ssh-agent holds no key.", "Give it yours with ssh-add: logs and ssh need it."
    return _NO_AGENT
