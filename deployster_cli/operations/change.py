"""One change of a service, from its beginning to its end: ``Operation.run``. Commands and the server share this."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Tell
from deployster_cli.domain.templates.render import Renderer, Templates
from deployster_cli.domain.templates.secrets import with_secrets
from deployster_cli.domain.units.model import Service, Unit
from deployster_cli.domain.units.names import check_service
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, EngineUnreachable, Interrupted, InvalidInput
from deployster_cli.operations import deploy, destroy, lock, releases
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.left_tasks import await_left_tasks
from deployster_cli.operations.lock import Held
from deployster_cli.operations.preflight import Keep, Preflight
from deployster_cli.operations.prerequisites import missing, refuse
from deployster_cli.operations.records import Keeping
from deployster_cli.operations.rollout import Result, carry_out
from deployster_cli.operations.task import TEMPLATE, Task, run_before
from deployster_cli.operations.templates import load

# The template that runs a command on the machine itself, in a folder of it.
PROCESS = "process"

# Stands for a version that only the engine's listing tells, while everything else is checked.
NOT_KNOWN_YET = "newest"

# Seconds after which a plan is made anew, if nothing of it has been done by then.
PLAN_LASTS = 5.0

# Seconds for which the look that the plan was made from is as good as another one, which takes fleet over a second
# where there are a thousand units.
LOOK_LASTS = 3.0

# How often a plan is made at most, while the listings that it is made from turn out to be short.
PLANNINGS = 3


@dataclass(frozen=True)
class Operation:
    """One change with the settings it meets.

    ``check`` asks no engine, ``prepare`` changes nothing, ``run`` does it. All raise DeploysterError.
    """

    settings: Settings
    change: Change
    clock: Clock

    def run(self, engine: Engine, tell: Tell) -> Result:
        """Carry the change out and return what it did; ``tell`` is called with each event as it happens."""
        change, clock = self.change, self.clock
        planner, around = Planner(self, engine), Preflight(self.settings, change, clock, tell)
        note = lock.new_note(change.service, change.by, change.doing, clock)
        try:
            with lock.hold(engine, note, clock, change.lock_wait, tell=tell, meanwhile=planner.plan_early) as held:
                planned = planner.first(held)
                if await_left_tasks(engine, planned, clock, tell, wait=change.lock_wait, keep=held.keep):
                    planned = planner.again()
                self.decided(planned)
                planner.take_over_no_more_than(planned)
                if self.preflight(around, engine, planned, held.keep) or planner.is_old:
                    planned = planner.again()
                if planned.plan.start and self.tasks:
                    run_before(engine, self.tasks, clock, tell, held.keep)
                    planned = planner.again()
                if planned.plan.start:
                    refuse(planned.lacks)
                keeping = Keeping(engine, planned.plan, planned.memory, clock, held.ensure)
                with keeping.kept(tell):
                    result = carry_out(engine, planned.work, clock, held, tell, seen=planner.seen, stops=keeping.stops)
        except DeploysterError as error:
            self._failed(error, around)
            raise
        around.after(result.plan)
        return result

    def check(self) -> None:
        """Refuse whatever can be refused without an engine: values, templates, tasks."""
        if self.change.verb is Verb.DESTROY:
            return
        now = self.clock.utc()
        deploy.check_input(self._named, self._render, now)
        for each in self.tasks:
            each.file(1, now)

    def prepare(self, engine: Engine) -> PlannedChange:
        """Return what would be done now; NotFound or InvalidInput where it is certain that it can't be."""
        change = self.change
        if change.verb is Verb.DESTROY:
            return destroy.prepare(engine, change)
        now = None if change.verb is Verb.DEPLOY else releases.standing(engine, change.service)
        settled, seen = (self._settled(engine, now), now.seen) if now else (change, None)
        prepared = deploy.prepare(engine, settled, self._render, self.clock.utc(), seen)
        lacks = missing(engine, prepared.work.files.values()) or ()
        refuse(lack for lack in lacks if not lack.brought)
        return replace(prepared, lacks=lacks)

    def decided(self, prepared: PlannedChange) -> None:
        """Hear what is to be done, the lock held, before hooks and tasks. After them it is planned anew."""

    def preflight(self, around: Preflight, engine: Engine, planned: PlannedChange, keep: Keep) -> bool:
        """See to the image and the hooks before it. Whether a hook ran: who knows what it changed."""
        service = None if self.change.verb is Verb.DESTROY else self._render.service
        return around.before(engine, service, planned, keep)

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """What has to succeed before a deploy: the service's own tasks, then those that were asked for."""
        change = self.change
        own = self.settings.before_deploy(change.service) if change.verb is Verb.DEPLOY else ()
        commands = (*own, *change.before)
        return tuple(self._task(command) for command in commands)

    def _task(self, command: str) -> Task:
        return task(self.settings, self._render.service, self._named.version or "", self.change.by, command)

    @cached_property
    def _render(self) -> Renderer:
        change = self.change
        return renderer(self.settings, change.service, change.template, change.sets, change.envs)

    @property
    def _named(self) -> Change:
        """The change with a version, be it one that stands for what only the engine knows."""
        return self.change if self.change.version else replace(self.change, version=NOT_KNOWN_YET)

    def _settled(self, engine: Engine, now: releases.Standing) -> Change:
        """Return the change completed with how the service stands: which release is the newest, and how it was
        deployed.
        """
        back = self.change.verb is Verb.ROLLBACK
        if not self.change.as_now:
            releases.check_settings(engine, now.newest if back else now.stood, self._render)
        return releases.rolled_back(now, self.change) if back else releases.of_the_newest(now, self.change)

    def _failed(self, error: DeploysterError, around: Preflight) -> None:
        if not isinstance(error, Interrupted):
            around.after_failure(error)
        elif self.change.verb is Verb.RESTART:
            error.hint = error.hint.replace("goes on from here", "starts over")


class Planner:
    """Plans an operation: early, while it is not certain yet that the lock is ours, and under the lock as often as what
    the plan was made from may have changed.
    """

    def __init__(self, operation: Operation, engine: Engine) -> None:
        self._operation, self._engine, self._clock = operation, engine, operation.clock
        self._held: Held | None = None
        self._early: PlannedChange | None = None
        self._early_lasts_until = self._began = 0.0
        self._units: tuple[Unit, ...] = ()

    def plan_early(self) -> None:
        """Plan before the lock is ours. What fails now will fail again then if it must."""
        self._early = None
        with contextlib.suppress(DeploysterError):
            self._early = self._plan()
        self._early_lasts_until = self._clock.now() + PLAN_LASTS

    def first(self, held: Held) -> PlannedChange:
        """Return the early plan if it is still of now, else another."""
        self._held = held
        return self._proven(self._early if self._clock.now() <= self._early_lasts_until else None)

    def again(self) -> PlannedChange:
        """Another plan, of now. Locked where the lock is not ours any more."""
        return self._proven(None)

    @property
    def is_old(self) -> bool:
        """Whether a plan has to be made anew, nothing of it having been done."""
        return self._clock.now() - self._began > PLAN_LASTS

    @property
    def seen(self) -> tuple[Unit, ...] | None:
        """The units that the last plan was made from, as long as they are as good as a look."""
        return self._units if self._clock.now() - self._began <= LOOK_LASTS else None

    def take_over_no_more_than(self, decided: PlannedChange) -> None:
        """Adopt only what the plan names: what comes while hooks and tasks run was not meant."""
        change = self._operation.change
        if change.adopt:
            self._operation = replace(self._operation, change=replace(change, adopt_only=decided.plan.adopted))

    def _plan(self) -> PlannedChange:
        self._began = self._clock.now()
        return self._operation.prepare(self._engine)

    def _proven(self, made: PlannedChange | None) -> PlannedChange:
        """Return a plan from a listing with our own lock in it: one that lacks it lacks who knows what."""
        assert self._held is not None  # noqa: S101 - ``first`` comes first  # nosec B101
        self._held.ensure()
        for _ in range(PLANNINGS):
            made = made or self._plan()
            if self._held.shown:
                self._units = made.units
                return made
            self._held.keep()
            made = None
        raise EngineUnreachable(
            "The engine's listing is incomplete: it lacks this run's lock. Nothing was started.",
            "Try again; fleet omits units when it is overloaded.",
        )


def renderer(
    settings: Settings, name: str, template: str = "", sets: Sequence[str] = (), envs: Sequence[str] = ()
) -> Renderer:
    """Return the template of the service with these values over its settings, ready to render."""
    chosen = (f"template={template}",) if template else ()
    service = with_secrets(settings.with_values(settings.service(name), (*sets, *chosen), envs), os.environ)
    asked = [pair.partition("=")[0] for pair in sets]
    templates = Templates(load(settings.templates_dir))
    return templates.renderer(_somewhere(settings, service, templates), asked)


def renderers(settings: Settings, names: Iterable[str]) -> tuple[list[Renderer], dict[str, DeploysterError]]:
    """Return the renderers of these services, and why the others can't be deployed as they are set, by name."""
    renders: list[Renderer] = []
    refused: dict[str, DeploysterError] = {}
    for name in names:
        try:
            renders.append(renderer(settings, name))
        except DeploysterError as error:
            refused[name] = error
    return renders, refused


def _somewhere(settings: Settings, service: Service, templates: Templates) -> Service:
    """Return the service with a folder to run its command in: that of deployster.toml, where it runs here and names
    none.

    InvalidInput where nobody can tell one: that which systemd takes, /, is hardly meant.
    """
    if not service.command or service.directory or not templates.builds_on(service.template, PROCESS):
        return service
    if settings.declared.is_local and settings.file:
        return service._replace(directory=str(settings.folder))
    raise InvalidInput(
        f"{service.name} runs by a command and names no directory for it: it would run in /.",
        f'Say where on its machine: directory = "/srv/{service.name}/{{version}}" in [services.{service.name}].',
    )


def task(settings: Settings, of: Service, version: str, by: str, command: str) -> Task:
    """One run of a command with a release, as its service runs: in its folder, in its image, or on the machine itself.

    InvalidInput where it can't be rendered.
    """
    templates = Templates(load(settings.templates_dir))
    folder = of.directory or ("" if templates.takes_image(of.template) else "/")
    render = templates.renderer(of._replace(template=TEMPLATE, directory=folder, extra={"task": command}))
    return Task(command, of.name, version, by, render)


def one_task(settings: Settings, service: str, version: str, command: str, *, envs: Sequence[str], by: str) -> Task:
    """One run of a command with a release of a service, beside any change."""
    return task(settings, renderer(settings, check_service(service), envs=envs).service, version, by, command)
