"""Running hooks: before a deed, where a failure stops it, and after it, where it is only told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import Event, HookDone, HookSaid, HookStarted, HookWarned
from deployster_cli.domain.hooks import Facts, Hooks
from deployster_cli.domain.units.names import quoted
from deployster_cli.engines import process
from deployster_cli.errors import DeploysterError

STAYS = "No unit was changed; what hooks did stays."
"""What is so where a hook ahead of a deed failed or was cut off: it may have been half-way through a migration."""


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


Running = Generator[str, None, HookResult]

Pulse = Callable[[], None]
"""Called many times a second while a line runs: what has to go on meanwhile, and may raise to end it."""


class HookRunner(Protocol):
    """Runs one shell line on this machine."""

    def run(self, line: str, variables: Mapping[str, str], stdin: str, pulse: Pulse) -> Running:
        """What it prints, line by line as it comes, and how it ended. It is killed when nobody listens any more."""
        ...


Told = Generator[Event, None, None]


def run_pre(
    hooks: Hooks, runner: HookRunner, facts: Facts, pulse: Pulse = lambda: None
) -> Generator[Event, None, bool]:
    """The hook before ``facts.verb``, line by line; whether there is one.

    HookFailed at the first line that fails; the others don't run.
    """
    name, lines = hooks.before(facts.verb)
    for line in lines:
        why = yield from _ran(name, line, runner, facts, pulse, limit=hooks.timeout)
        if why:
            raise HookFailed(f"{why} {STAYS}")
    return bool(lines)


def run_post(hooks: Hooks, runner: HookRunner, facts: Facts) -> Told:
    """The hook after ``facts.verb``, or on_failure where its result is ``failed``.

    What it is about is done, so a line that fails is told of, and the others still run.
    """
    name, lines = hooks.after(facts.verb, facts.result)
    for line in lines:
        why = yield from _ran(name, line, runner, facts, lambda: None, limit=hooks.timeout)
        if why:
            yield HookWarned(why)


def _ran(
    name: str, line: str, runner: HookRunner, facts: Facts, pulse: Pulse, *, limit: float
) -> Generator[Event, None, str]:
    """One line run and told of; why it failed, in one sentence, or nothing."""
    yield HookStarted(name, line)
    running = runner.run(line, facts.variables, facts.plan, pulse)
    result = yield from _heard(running)
    why = _why(result, limit)
    if why:
        return f"The hook {name} failed: {quoted(line)} {why}."
    yield HookDone(name, result.seconds)
    return ""


def _heard(running: Running) -> Generator[Event, None, HookResult]:
    try:
        while True:
            yield HookSaid(next(running))
    except StopIteration as end:
        result: HookResult = end.value
        return result
    finally:
        running.close()


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
