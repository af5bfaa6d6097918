"""What deploy, rollback, scale and restart share: a request made of options, planned under the lock and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from deployster_cli.commands.options import policy_of
from deployster_cli.commands.shared import Run, person

if TYPE_CHECKING:
    from deployster_cli.domain.model import Service
    from deployster_cli.engines.base import Engine
    from deployster_cli.operations.before import Task
    from deployster_cli.operations.deploy import Prepared, Renderer, Request
    from deployster_cli.operations.standing import Standing

Settle = Callable[["Standing", "Request"], "Request"]
"""Completes a request with how the service stands (which release is the newest), once the lock is held."""

FORCE_SETTINGS = click.option(
    "--force",
    "force_settings",
    is_flag=True,
    help="Use the settings of now, even if what runs was deployed with others.",
)


def request_of(run: Run, service: str, version: str, given: Mapping[str, Any]) -> tuple[Request, Renderer]:
    """The request for a command line, and its service's template; InvalidInput where it can't be meant."""
    from deployster_cli.operations.deploy import Request  # noqa: PLC0415 - pulls in jinja2

    of, render = renderer(run, service, given.get("template"), given.get("sets", ()), given.get("envs", ()))
    request = Request(
        service=of,
        version=version,
        by=person(),
        instances=given.get("instances"),
        destroy_previous=given.get("destroy_previous", False),
        batch=given["batch_size"],
        force=given.get("force", False),
        policy=policy_of(given),
    )
    return request, render


def roll_out(
    run: Run, request: Request, render: Renderer, given: Mapping[str, Any], *, doing: str, settle: Settle | None = None
) -> None:
    """Plan the request and carry it out, or with --dry-run just show the plan."""
    from deployster_cli.operations import deploy, lock, standing  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.operations.carry_out import Locking, under_lock  # noqa: PLC0415
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.views.rollouts import show_deployed, show_plan, telling  # noqa: PLC0415

    clock = SystemClock()
    deploy.check_input(request, render, clock.utc())
    engine = run.engine()

    def complete(engine: Engine) -> Request:
        if settle is None:
            return request
        now = standing.standing(engine, request.service.name)
        if not given.get("force_settings"):
            standing.check_settings(engine, now, render)
        return settle(now, request)

    def prepare() -> Prepared:
        return deploy.prepare(engine, complete(engine), render, clock.utc())

    tasks = _tasks(run, request, given.get("before", ()), clock.utc())
    if given["dry_run"]:
        prepared = prepare()
        show_plan(run.output, prepared.plan, prepared.units)
        return
    note = lock.new_note(request.service.name, request.by, doing, clock)
    locking = Locking(note, given["lock_wait"], tasks)
    carrying = under_lock(engine, locking, lambda: prepare().work, clock)
    show_deployed(run.output, telling(run.output, carrying))


def _tasks(run: Run, request: Request, commands: tuple[str, ...], now: str) -> tuple[Task, ...]:
    """The tasks, each rendered once: what can't run is refused before anything does."""
    from deployster_cli.domain.render import Templates  # noqa: PLC0415 - jinja2 is slow to import
    from deployster_cli.operations.before import TEMPLATE, Task  # noqa: PLC0415
    from deployster_cli.template_files import load  # noqa: PLC0415

    tasks = []
    for command in commands:
        service = replace(request.service, template=TEMPLATE, extra={"task": command})
        render = Templates(load(run.settings.templates_dir)).renderer(service)
        tasks.append(Task(command, service.name, request.version, request.by, render))
        tasks[-1].file(1, now)
    return tuple(tasks)


def renderer(
    run: Run, name: str, template: str | None, sets: tuple[str, ...], envs: tuple[str, ...]
) -> tuple[Service, Renderer]:
    """The service with the values of the command line over its settings, and its template ready to render."""
    from deployster_cli.domain.render import Templates  # noqa: PLC0415 - jinja2 is slow to import
    from deployster_cli.template_files import load  # noqa: PLC0415

    settings = run.settings
    chosen = (f"template={template}",) if template else ()
    service = settings.with_values(settings.service(name), (*sets, *chosen), envs)
    return service, Templates(load(settings.templates_dir)).renderer(service)
