"""Running hooks: before a deed, where a failure stops it, and after it, where it is only told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import HookDone, HookSaid, HookStarted, HookWarned, Tell
from deployster_cli.domain.hooks import Facts, Hooks
from deployster_cli.domain.units.names import quoted
from deployster_cli.engines import process
from deployster_cli.errors import DeploysterError

# What is so where a hook ahead of a deed failed or was cut off: it may have been half-way through a migration.
STAYS = "No unit was changed; what hooks did stays."


class HookFailed(DeploysterError):
    """A hook that has to succeed did not; no unit was changed."""


@dataclass(frozen=True, slots=True)
class HookResult:
    """How a line ended. ``code`` is its exit code, negative for a signal, None where it was stopped at its limit.

    ``problem`` says why it could not be run at all, and is empty where it was.
    """

    code: int | None
    seconds: float
    problem: str = ""


# Called many times a second while a line runs: what has to go on meanwhile, and may raise to end it.
Pulse = Callable[[], None]

# Runs one shell line with these variables and this on stdin, and hands over each line that it prints as it comes. It is
# killed when what is called raises.
RunLine = Callable[[str, Mapping[str, str], str, Pulse, Callable[[str], None]], HookResult]


def run_pre(hooks: Hooks, run_line: RunLine, facts: Facts, tell: Tell, pulse: Pulse = lambda: None) -> bool:
    """Run the hook before ``facts.verb``, line by line; whether there is one.

    HookFailed at the first line that fails; the others don't run.
    """
    name, lines = hooks.before(facts.verb)
    for line in lines:
        why = _run(name, line, run_line, facts, tell=tell, pulse=pulse, limit=hooks.timeout)
        if why:
            raise HookFailed(f"{why} {STAYS}")
    return bool(lines)


def run_post(hooks: Hooks, run_line: RunLine, facts: Facts, tell: Tell) -> None:
    """Run the hook after ``facts.verb``, or on_failure where its result is ``failed``.

    What it is about is done, so a line that fails is only told, and the others still run.
    """
    name, lines = hooks.after(facts.verb, facts.result)
    for line in lines:
        why = _run(name, line, run_line, facts, tell=tell, pulse=lambda: None, limit=hooks.timeout)
        if why:
            tell(HookWarned(why))


def _run(name: str, line: str, run_line: RunLine, facts: Facts, *, tell: Tell, pulse: Pulse, limit: float) -> str:
    """Run one line; why it failed, in one sentence, or nothing."""
    tell(HookStarted(name, line))
    result = run_line(line, facts.variables, facts.plan, pulse, lambda text: tell(HookSaid(text)))
    why = _why(result, limit)
    if why:
        return f"The hook {name} failed: {quoted(line)} {why}."
    tell(HookDone(name, result.seconds))
    return ""


def _why(result: HookResult, limit: float) -> str:
    if result.problem:
        return result.problem
    if result.code is None:
        return f"did not end within {format_duration(limit)} and was stopped"
    if result.code < 0:
        return f"was ended by signal {-result.code}"
    return f"exited with {result.code}" if result.code else ""


@dataclass(frozen=True, slots=True)
class LocalCommands:
    """Runs hooks by /bin/sh in ``folder``; each line has ``limit`` seconds. Its ``run`` is the RunLine of real runs."""

    folder: Path
    limit: float

    def run(
        self, line: str, variables: Mapping[str, str], stdin: str, pulse: Pulse, said: Callable[[str], None]
    ) -> HookResult:
        """Run it and hand its output over as it comes; how it ended."""
        started = time.monotonic()
        try:
            code = process.follow(
                ("/bin/sh", "-c", line),
                said,
                limit=self.limit,
                given=stdin,
                env={**os.environ, **variables},
                cwd=str(self.folder),
                pulse=pulse,
            )
        except process.NotStarted as error:
            return HookResult(None, 0.0, f"can't be run in {self.folder}: {error.reason}")
        return HookResult(code, time.monotonic() - started)
