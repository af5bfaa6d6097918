"""deploy and plan are one command that stops at different places; this is what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from deployster_cli.commands.parameters import duration, number
from deployster_cli.commands.shared import Run, person
from deployster_cli.domain.model import OnFailure, Order
from deployster_cli.domain.plan import MOST_AT_ONCE, Policy
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from deployster_cli.domain.model import Service
    from deployster_cli.operations.deploy import Renderer, Request

DEPLOY_OPTIONS = (
    click.argument("service"),
    click.argument("version"),
    click.option("--destroy-previous", is_flag=True, help="Retire every earlier release once this one runs."),
    click.option("--instances", type=number(1, MOST_AT_ONCE), metavar="N", help="How many (default: as many as now)."),
    click.option("--batch-size", type=number(1, MOST_AT_ONCE), metavar="B", help="Start B at a time (default: all)."),
    click.option(
        "--timeout", type=duration, default="5m", show_default=True, metavar="TIME", help="Limit for each batch."
    ),
    click.option(
        "--settle",
        type=duration,
        default="3s",
        show_default=True,
        metavar="TIME",
        help="How long an instance must have stayed running.",
    ),
    click.option(
        "--order",
        type=click.Choice([order.value for order in Order]),
        default=Order.START_FIRST.value,
        show_default=True,
        help="Start the new before the old stop, or after.",
    ),
    click.option(
        "--on-failure",
        type=click.Choice([kind.value for kind in OnFailure]),
        default=OnFailure.ROLLBACK.value,
        show_default=True,
        help="Take failed new instances out again, or keep them for a look.",
    ),
    click.option("--force", is_flag=True, help="Replace instances of this very version too."),
    click.option("--template", metavar="T", help="Unit template to use (see deployster templates list)."),
    click.option("--set", "sets", multiple=True, metavar="K=V", help="A setting of the service or its template."),
    click.option("--env", "envs", multiple=True, metavar="K=V", help="A variable of the service's environment."),
)


def deploy_options(command: Callable[..., None]) -> Callable[..., None]:
    """All that deploy takes."""
    for option in reversed(DEPLOY_OPTIONS):
        command = option(command)
    return command


def request_of(run: Run, given: dict[str, Any]) -> tuple[Request, Renderer]:
    """The request, and its service's template, for a command line; InvalidInput where it can't be."""
    from deployster_cli.operations.deploy import Request  # noqa: PLC0415 - pulls in jinja2

    policy = Policy(
        settle=given["settle"],
        timeout=given["timeout"],
        order=Order(given["order"]),
        on_failure=OnFailure(given["on_failure"]),
    )
    if policy.settle >= policy.timeout:
        raise InvalidInput("--settle must be shorter than --timeout, or no deploy could ever succeed.")
    service, render = renderer(run, given["service"], given["template"], given["sets"], given["envs"])
    request = Request(
        service=service,
        version=given["version"],
        by=person(),
        instances=given["instances"],
        destroy_previous=given["destroy_previous"],
        batch=given["batch_size"],
        force=given["force"],
        policy=policy,
    )
    return request, render


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
