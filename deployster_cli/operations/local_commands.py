"""Programs of this machine that are no engine's: hooks, and what tells of the ssh-agent."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class LocalCommands:
    """Runs hooks by /bin/sh in ``folder``; each line has ``limit`` seconds. The HookRunner of real runs."""

    folder: Path
    limit: float

    def run(self, line: str, variables: Mapping[str, str], stdin: str, pulse: Pulse) -> Running:
        """The line's output as it comes, and how it ended."""
        started = time.monotonic()
        try:
            code = yield from process.follow(
                ("/bin/sh", "-c", line),
                limit=self.limit,
                given=stdin,
                env={**os.environ, **variables},
                cwd=str(self.folder),
                pulse=pulse,
            )
        except process.NotStarted as error:
            return HookResult(None, 0.0, f"can't be run in {self.folder}: {error.reason}")
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
