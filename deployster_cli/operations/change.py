"""An intent with the settings it meets: checked, planned and carried out. Commands and the server share this."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Intent, Verb
from deployster_cli.domain.events import Event, Noticed
from deployster_cli.domain.rollout.instances import FILE
from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.templates.secrets import with_secrets
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import check_service
from deployster_cli.domain.wording import left_alone
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, Interrupted, InvalidInput
from deployster_cli.operations import deploy, destroy, lock, releases
from deployster_cli.operations.carry_out import Carrying, Keep, Locking, under_lock
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import Prepared, Renderer, Request
from deployster_cli.operations.preflight import Surroundings
from deployster_cli.operations.prerequisites import refuse_ahead
from deployster_cli.operations.task import TEMPLATE, Task
from deployster_cli.operations.templates import load

PROCESS = "process"
"""The template that runs a command on the machine itself, in a folder of it."""

NOT_KNOWN_YET = "newest"
"""Stands for a version that only the engine's listing tells, while everything else is checked."""


def renderer(
    settings: Settings, name: str, template: str = "", sets: Sequence[str] = (), envs: Sequence[str] = ()
) -> tuple[Service, Renderer]:
    """The service with these values over its settings, and its template ready to render."""
    chosen = (f"template={template}",) if template else ()
    service = with_secrets(settings.with_values(settings.service(name), (*sets, *chosen), envs), os.environ)
    service = _somewhere(settings, service)
    asked = [pair.partition("=")[0] for pair in sets]
    return service, Templates(load(settings.templates_dir)).renderer(service, asked)


def _somewhere(settings: Settings, service: Service) -> Service:
    """The service with a folder to run its command in: that of deployster.toml, where it runs here and names none.

    InvalidInput where nobody can tell one: that which systemd takes, /, is hardly meant.
    """
    if service.template != PROCESS or not service.command or service.directory:
        return service
    if settings.declared.is_local and settings.file:
        return service._replace(directory=str(settings.folder))
    raise InvalidInput(
        f"{service.name} runs by a command and names no directory for it: it would run in /.",
        f'Say where on its machine: directory = "/srv/{service.name}/{{version}}" in [services.{service.name}].',
    )


def task(settings: Settings, request: Request, command: str) -> Task:
    """One run of a command with a release, as its service runs: in its folder, in its image, or on the machine itself.

    InvalidInput where it can't be rendered.
    """
    templates, of = Templates(load(settings.templates_dir)), request.service
    folder = of.directory or ("" if templates.takes_image(of.template) else "/")
    render = templates.renderer(of._replace(template=TEMPLATE, directory=folder, extra={"task": command}))
    return Task(command, of.name, request.version, request.by, render)


def one_task(settings: Settings, service: str, version: str, command: str, *, envs: Sequence[str], by: str) -> Task:
    """One run of a command with a release of a service, that is no part of any intent."""
    of, _ = renderer(settings, check_service(service), envs=envs)
    return task(settings, Request(of, version, by), command)


def _sets_number(asked: Intent) -> bool:
    return any(text.partition("=")[0].strip() == "instances" for text in asked.sets)


@dataclass(frozen=True)
class Undertaking:
    """One intent. ``by`` is who asks, for stamp and lock.

    ``check`` asks no engine, ``prepare`` changes nothing, ``carry`` does it and tells. All raise DeploysterError.
    """

    settings: Settings
    intent: Intent
    by: str
    clock: Clock

    @cached_property
    def _rendering(self) -> tuple[Request, Renderer]:
        asked = self.intent
        service, render = renderer(self.settings, asked.service, asked.template, asked.sets, asked.envs)
        request = Request(
            service=service,
            version=NOT_KNOWN_YET if asked.version is None else asked.version,
            by=self.by,
            instances=asked.instances,
            verb=asked.verb,
            setting_from="--set instances" if _sets_number(asked) else FILE,
            destroy_previous=asked.destroy_previous,
            adopt=asked.adopts,
            batch=asked.batch or (1 if asked.verb is Verb.RESTART else None),
            recreate=asked.recreate or asked.verb is Verb.RESTART,
            as_it_is=asked.verb is Verb.SCALE,
            policy=asked.policy,
        )
        return request, render

    @cached_property
    def _tasks(self) -> tuple[Task, ...]:
        """What has to succeed before a deploy: the service's own tasks, then those that were asked for."""
        own = self.settings.before_deploy(self.intent.service) if self.intent.verb is Verb.DEPLOY else ()
        commands = (*own, *self.intent.before)
        return tuple(task(self.settings, self._rendering[0], command) for command in commands)

    def check(self) -> None:
        """Refuse whatever can be refused without an engine: names, numbers, values, templates, tasks."""
        if self.intent.verb is Verb.DESTROY:
            destroy.check_input(self.intent.service, self.intent.version or "", self.intent.only)
            return
        check_service(self.intent.service)
        if self.intent.adopt and not self.intent.destroy_previous:
            raise InvalidInput("--adopt takes over what --destroy-previous is to retire: alone it would do nothing.")
        request, render = self._rendering
        deploy.check_input(request, render, self.clock.utc())
        for each in self._tasks:
            each.file(1, self.clock.utc())

    def prepare(self, engine: Engine) -> Prepared:
        """What would be done now; NotFound or InvalidInput where it is certain that it can't be."""
        asked = self.intent
        if asked.verb is Verb.DESTROY:
            version, only = asked.version or "", asked.only
            return destroy.prepare(engine, asked.service, version, only, asked.policy, adopt=asked.adopts)
        request, render = self._rendering
        now = None if asked.verb is Verb.DEPLOY else releases.standing(engine, request.service.name)
        wanted, seen = (self._settled(engine, now), now.seen) if now else (request, None)
        prepared = deploy.prepare(engine, wanted, render, self.clock.utc(), seen)
        refuse_ahead(engine, prepared.work.files.values())
        return prepared

    def decided(self, prepared: Prepared) -> None:
        """Called with what is to be done, the lock held, before hooks and tasks. After them it is planned anew."""

    def carry(self, engine: Engine) -> Carrying:
        """Take the service's lock, plan, run hooks and tasks, carry it out, and give the lock back; then run hooks."""
        surroundings = Surroundings(self.settings, self.intent, self.by, self.clock)
        service = None if self.intent.verb is Verb.DESTROY else self._rendering[0].service
        prepared: list[Prepared] = []

        asked = [self]

        def ahead(made: Prepared, keep: Keep) -> Generator[Event, None, bool]:
            self.decided(made)
            prepared.append(made)
            if self.intent.adopt:  # what comes while hooks and tasks run was not meant
                asked.append(replace(self, intent=replace(self.intent, adopt_only=made.plan.adopted)))
            return (yield from surroundings.ahead(engine, service, made, keep))

        note = lock.new_note(self.intent.service, self.by, self.intent.doing, self.clock)
        tasks = () if service is None else self._tasks
        try:
            locking = Locking(note, self.intent.lock_wait, ahead, tasks)
            result = yield from under_lock(engine, locking, lambda: asked[-1].prepare(engine), self.clock)
        except DeploysterError as error:
            if prepared and not isinstance(error, Interrupted):
                yield from surroundings.behind_failure(prepared[0], error)
            if isinstance(error, Interrupted) and self.intent.verb is Verb.RESTART:
                error.hint = error.hint.replace("goes on from here", "starts over")
            raise
        if came := left_alone([name for name in result.plan.beside if name not in prepared[0].plan.beside]):
            yield Noticed(came)
        yield from surroundings.behind(prepared[0], result.plan)
        return result

    def _settled(self, engine: Engine, now: releases.Standing) -> Request:
        """The request completed with how the service stands: which release is the newest, and how it was deployed."""
        request, render = self._rendering
        if not self.intent.as_now:
            going = now.newest if self.intent.verb is Verb.ROLLBACK else now.stood
            releases.check_settings(engine, going, render)
        if self.intent.verb is Verb.ROLLBACK:
            return releases.rolled_back(now, request, self.intent.version)
        return releases.of_the_newest(now, request)
