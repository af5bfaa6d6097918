"""The verbs over an engine that this process drives itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from deployster_cli.config.load import Settings
    from deployster_cli.domain.change import Change, TaskRequest
    from deployster_cli.domain.events import Tell
    from deployster_cli.domain.units.model import Release, Unit
    from deployster_cli.engines.base import Engine
    from deployster_cli.operations.change import Operation
    from deployster_cli.operations.deploy import PlannedChange
    from deployster_cli.operations.logs import Logs, Wanted
    from deployster_cli.operations.releases import Entry
    from deployster_cli.operations.rollout import Result


class Direct:
    """base.Backend. The engine is opened, and the person who asks looked up, when they are first needed."""

    def __init__(self, settings: Settings, open_engine: Callable[[], Engine], person: Callable[[], str]) -> None:
        self.settings = settings
        self.open_engine = open_engine
        self.person = person

    @cached_property
    def engine(self) -> Engine:
        """The engine, one for the whole run."""
        return self.open_engine()

    def units(self, service: str | None = None) -> tuple[Unit, ...]:
        """As Backend says."""
        from deployster_cli.operations.units import list_units

        return list_units(self.engine, service)

    @property
    def silent(self) -> Mapping[str, str]:
        """As Backend says."""
        from deployster_cli.operations.units import silent

        return silent(self.engine)

    def services(self) -> tuple[Release, ...]:
        """As Backend says."""
        from deployster_cli.operations.units import list_services

        return list_services(self.engine)

    def history(self, service: str) -> tuple[Entry, ...]:
        """As Backend says."""
        from deployster_cli.operations.releases import history

        return history(self.engine, service)

    def checked(self, change: Change) -> LocalChange:
        """As Backend says."""
        from deployster_cli.operations.change import Operation  # pulls in jinja2
        from deployster_cli.operations.clock import SystemClock

        operation = Operation(self.settings, replace(change, by=self.person()), SystemClock())
        operation.check()
        return LocalChange(operation, self)

    def task(self, request: TaskRequest, tell: Tell) -> int:
        """As Backend says."""
        from deployster_cli.operations.change import one_task  # pulls in jinja2
        from deployster_cli.operations.clock import SystemClock
        from deployster_cli.operations.task import run_task

        clock = SystemClock()
        task = one_task(
            self.settings, request.service, request.version, request.command, envs=request.envs, by=self.person()
        )
        task.file(1, clock.utc())
        return run_task(self.engine, task, clock, tell, request.timeout)

    def logs(self, wanted: Wanted, *, follow: bool) -> Logs:
        """As Backend says."""
        from deployster_cli.operations.clock import while_read
        from deployster_cli.operations.logs import logs

        wanted.check()
        return logs(self.engine, wanted, while_read(sys.stdout), follow=follow)


class LocalChange(NamedTuple):
    """base.Checked: an operation and the engine it is for."""

    operation: Operation
    by: Direct

    def prepare(self) -> PlannedChange:
        """As Checked says."""
        return self.operation.prepare(self.by.engine)

    def run(self, tell: Tell) -> Result:
        """As Checked says."""
        return self.operation.run(self.by.engine, tell)
