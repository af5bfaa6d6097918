"""deployster plan."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import deploy_options, request_of
from deployster_cli.commands.shared import shared_options, this_run


@click.command("plan")
@deploy_options
@shared_options
def cli(**given: Any) -> None:
    """Show what deploy would do with the same arguments; changes nothing (deploy --dry-run is the same)."""
    from deployster_cli.operations import deploy  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.views.results import show_plan  # noqa: PLC0415

    run, now = this_run(), SystemClock().utc()
    request, render = request_of(run, given)
    deploy.check_input(request, render, now)
    prepared = deploy.prepare(run.engine(), request, render, now)
    show_plan(run.output, prepared.plan, prepared.units)
