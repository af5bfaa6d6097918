"""A task that a dead run began before its deploy and that still runs: nothing is changed beside it, nor is it ended.

It may be a migration half done. Whoever has the service's lock waits for it, or is told how to end it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable

from deployster_cli.domain.events import Noticed, Tell
from deployster_cli.domain.lock import Note
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import quoted
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import capitalized, where
from deployster_cli.engines.base import Engine
from deployster_cli.errors import Locked
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import TASKS, PlannedChange
from deployster_cli.operations.task import command_of, left_by_another, still_runs

# Seconds between two looks at a task that is waited for.
LOOK_EVERY = 2.0


def await_left_tasks(
    engine: Engine, planned: PlannedChange, clock: Clock, tell: Tell, *, wait: float, keep: Callable[[], None]
) -> bool:
    """Wait for such a task; whether there was one, so that the plan is old. Locked where it still runs after ``wait``
    seconds. To take away what is there nobody has to wait.
    """
    plan, seen = planned.plan, planned.units
    if plan.empty or not (plan.start or plan.watch or plan.keep):
        return False
    began, told = clock.now(), False
    while left := _running(engine, plan.service, seen):
        unit, note, file = left
        if clock.now() - began >= wait:
            raise _refusal(unit, note, file)
        if not told:
            told = True
            tell(Noticed(f"Waiting for {_called(unit, note, file)}: it still runs."))
        clock.sleep(LOOK_EVERY)
        seen = engine.units()
        keep()
    return told


def _running(engine: Engine, service: str, units: Iterable[Unit]) -> tuple[Unit, Note, UnitFile] | None:
    """Return the first such task of the service. One that a person runs by hand is none."""
    for unit in units:
        if unit.name.service == f"{service}{TASKS}" and still_runs(unit):
            found = left_by_another(engine, unit)
            if found:
                return (unit, *found)
    return None


def _refusal(unit: Unit, note: Note, file: UnitFile) -> Locked:
    name = unit.name
    end = f"deployster destroy {shlex.quote(name.service)} {shlex.quote(name.version)} --instance {name.instance} --yes"
    return Locked(
        f"{capitalized(_called(unit, note, file))}, still runs: nothing was changed.",
        f"Wait for it with --lock-wait 15m, or end it: {end}",
    )


def _called(unit: Unit, note: Note, file: UnitFile) -> str:
    """Return ``the task 'rake db:migrate' of carousel 9f88701, begun by ann on laptop at … before a deploy on m1``."""
    command = f" {quoted(command_of(file))}" if command_of(file) else ""
    since = f" at {file.stamp.deployed_at}" if file.stamp else ""
    place = f" on {where(unit)}" if unit.machine else ""
    of = f"{unit.name.service.removesuffix(TASKS)} {unit.name.version}"
    return f"the task{command} of {of}, begun by {note.owner} on {note.host}{since} before a deploy{place}"
