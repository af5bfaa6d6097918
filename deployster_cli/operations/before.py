"""Tasks before a deploy: each has to succeed before anything of the release is started."""

from __future__ import annotations

from collections.abc import Generator

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import Event
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EXIT_TASK_TIMEOUT, Interrupted
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.task import TEMPLATE, TIMEOUT, Keep, Task, TaskFailed, run_task

__all__ = ["TEMPLATE", "Task", "TaskFailed", "run_before"]


def run_before(engine: Engine, tasks: tuple[Task, ...], clock: Clock, keep: Keep) -> Generator[Event, None, None]:
    """Run the tasks one after another, the service's lock held; TaskFailed at the first that fails."""
    for task in tasks:
        release = f"{task.service} {task.version}"
        try:
            code = yield from run_task(engine, task, clock, keep=keep, locked=True)
        except Interrupted as error:
            raise Interrupted(
                f"{error.message} Nothing of {release} was started.", signal=error.exit_code - 128
            ) from None
        if code:
            late = f" was not done within {format_duration(TIMEOUT)}" if code == EXIT_TASK_TIMEOUT else " failed"
            raise TaskFailed(
                f"{task.command!r}{late}, so nothing of {release} was started.", "What ran before runs as it did."
            )
