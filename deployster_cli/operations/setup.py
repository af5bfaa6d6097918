"""Making machines ready for units: on all of them at the same time, one step after another on each."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from deployster_cli.domain.units.needs import Needs, containers, probing
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.base import Setup, Step
from deployster_cli.errors import EXIT_DONE, DeploysterError, EngineError, Interrupted

Told = Callable[[str, str], None]
Steps = tuple[Step, ...]


@dataclass
class Result:
    """What became of a machine: the steps that were ``done``, those that are ``left``, and what went wrong."""

    machine: str
    done: list[Step] = field(default_factory=list)
    left: list[Step] = field(default_factory=list)
    error: DeploysterError | None = None

    @property
    def exit_code(self) -> int:
        """What it stands for: 0 where the machine is ready."""
        return self.error.exit_code if self.error else EXIT_DONE


def needs_of(files: Collection[UnitFile]) -> Needs:
    """Return the programs that units of these files need."""
    return Needs(programs=(*((path,) for path in containers(files)), *probing(files)))


def left(setup: Setup, needs: Needs) -> dict[str, Steps]:
    """Return what is left to do on each machine; one error for all that can't be asked, and nothing was changed."""
    found = setup.steps(needs)
    errors = [steps for steps in found.values() if isinstance(steps, EngineError)]
    if errors:
        hints = dict.fromkeys(error.hint for error in errors if error.hint)
        raise type(errors[0])(" ".join((*(error.message for error in errors), "Nothing was changed.")), " ".join(hints))
    return {machine: steps for machine, steps in found.items() if not isinstance(steps, EngineError)}


def take(setup: Setup, todo: Mapping[str, Steps], needs: Needs, limit: float, told: Told) -> list[Result]:
    """Do all that is left, each step in ``limit`` seconds, and look again; a result for each machine. ``told`` hears in
    this thread what begins and ends where: (machine, words).

    Interrupted where a signal ends it: what was begun on a machine goes on there.
    """
    results = [Result(machine) for machine in todo]
    news: queue.SimpleQueue[tuple[Result, str]] = queue.SimpleQueue()
    busy = {}
    for result in results:
        steps = [step for step in todo[result.machine] if not step.by_hand]
        if steps:
            work = partial(_steps, setup, steps, result, limit, news)
            busy[result.machine] = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    try:
        for thread in busy.values():
            thread.start()
        for machine, words in _until_all_ended(news, busy):
            told(machine, words)
    except KeyboardInterrupt as stopped:
        still = ", ".join(busy)
        raise Interrupted(
            f"Interrupted. What was begun on {still} goes on there to its end.",
            "Run deployster setup again: it sees what is left.",
            signal=getattr(stopped, "signal", 2),
        ) from None
    _look_again(setup, needs, results)
    return results


def _until_all_ended(
    news: queue.SimpleQueue[tuple[Result, str]], busy: dict[str, threading.Thread]
) -> Iterator[tuple[str, str]]:
    """(machine, words) as they come; who has ended is busy no more."""
    while busy:
        result, words = news.get()
        if words:
            yield result.machine, words
        else:
            del busy[result.machine]


def _steps(
    setup: Setup, steps: Iterable[Step], result: Result, limit: float, news: queue.SimpleQueue[tuple[Result, str]]
) -> None:
    """One machine's, in a thread; the last news are no words."""
    try:
        for step in steps:
            news.put((result, step.command))
            setup.take(step, limit, lambda words: news.put((result, words)))
            result.done.append(step)
            news.put((result, "done"))
    except DeploysterError as error:
        result.error = error
        news.put((result, "failed"))
    finally:
        news.put((result, ""))


def _look_again(setup: Setup, needs: Needs, results: Iterable[Result]) -> None:
    """Note what is left now: what is done by hand, and what was done in vain."""
    found = setup.steps(needs)
    for result in results:
        steps = found.get(result.machine, ())
        if isinstance(steps, EngineError):
            result.error = result.error or steps
        elif steps:
            result.left = list(steps)
            first = steps[0]
            why = " ".join(filter(None, (first.why, first.by_hand)))
            result.error = result.error or DeploysterError(why, f"As root there: {first.command}")
