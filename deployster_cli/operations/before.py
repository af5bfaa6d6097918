"""Tasks before a deploy: one run each of the new release, as a oneshot unit on whichever machine fits.

A task is a rollout of one unit that is meant to end. Its unit belongs to the made-up service ``SERVICE.task``, so it
never counts as an instance, and one that an earlier run left behind is known for what it is and taken out first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from deployster_cli.domain.events import Event, TaskDone, TaskStarted
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.plan import Plan, Policy, Step
from deployster_cli.domain.rollout_state import Phase, Traits
from deployster_cli.domain.unitfile import Stamp, UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, Interrupted
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import TASKS
from deployster_cli.operations.rollout import Stopped, Telling, Work, drive, journal_of

TIMEOUT = 600.0
"""Seconds that a task may take, and that its unit may take to go."""

TEMPLATE = "task"

Keep = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One command to run before a deploy: the unit that runs it, made for any name."""

    command: str
    service: str
    version: str
    by: str
    render: Callable[[UnitName, Stamp], UnitFile]

    def file(self, instance: int, now: str) -> UnitFile:
        """The unit file of the task's ``instance``-th unit; InvalidInput where it can't be one."""
        name = UnitName.checked(f"{self.service}{TASKS}", self.version, instance)
        return self.render(name, Stamp(name.service, self.version, instance, now, self.by, TEMPLATE))


class TaskFailed(DeploysterError):
    """A task before a deploy failed, so the deploy did not begin."""


def run_before(engine: Engine, tasks: tuple[Task, ...], clock: Clock, keep: Keep) -> Generator[Event, None, None]:
    """Run the tasks one after another; TaskFailed at the first that fails. None of their units stays, come what may."""
    for task in tasks:
        yield TaskStarted(task.command)
        began = clock.now()
        _clear(engine, task, clock, keep)
        try:
            yield from _run(engine, task, clock, keep)
        except Stopped as stopped:
            raise Interrupted(
                f"Interrupted while {task.command!r} ran; it was stopped, and nothing of {task.service} "
                f"{task.version} was started.",
                signal=getattr(stopped.__cause__, "signal", 2),
            ) from None
        finally:
            _clear(engine, task, clock, keep)
        yield TaskDone(task.command, clock.now() - began)


def _run(engine: Engine, task: Task, clock: Clock, keep: Keep) -> Generator[Event, None, None]:
    file = task.file(1, clock.utc())
    plan = Plan(file.name.service, task.version, (Step(start=(file.name,)),), policy=Policy(settle=0, timeout=TIMEOUT))
    end = yield from drive(engine, Work(plan, {file.name: file}, Traits(oneshot=True)), clock, keep)
    if end.phase is Phase.FAILED:
        raise TaskFailed(
            f"{task.command!r} failed, so nothing of {task.service} {task.version} was started.",
            "What ran before runs as it did.",
        )
    yield journal_of(engine, file.name)


def _clear(engine: Engine, task: Task, clock: Clock, keep: Keep) -> None:
    """Stop and destroy every unit of the service's tasks, and wait until they are gone."""
    service = f"{task.service}{TASKS}"
    names = tuple(unit.name for unit in engine.units() if unit.name.service == service)
    if names:
        plan = Plan(service, task.version, (Step(retire=names),), policy=Policy(timeout=TIMEOUT))
        _drain(drive(engine, Work(plan), clock, keep))


def _drain(telling: Telling) -> None:
    deque(telling, maxlen=0)
