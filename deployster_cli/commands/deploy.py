"""deployster deploy."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import deploy_options, request_of
from deployster_cli.commands.shared import shared_options, this_run


@click.command("deploy")
@deploy_options
@click.option("--dry-run", is_flag=True, help="Show the plan, change nothing.")
@shared_options
def cli(dry_run: bool, **given: Any) -> None:
    """Start VERSION of SERVICE, wait until every instance runs, then retire the earlier ones if asked.

    \b
    deployster deploy carousel 9f88701 --instances 3
    deployster deploy carousel a41c9e2 --destroy-previous
    """
    from deployster_cli.operations import deploy  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.operations.carry_out import carry_out  # noqa: PLC0415
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.views.results import show_deployed, show_plan, telling  # noqa: PLC0415

    run, clock = this_run(), SystemClock()
    request, render = request_of(run, given)
    deploy.check_input(request, render, clock.utc())
    engine = run.engine()
    prepared = deploy.prepare(engine, request, render, clock.utc())
    if dry_run:
        show_plan(run.output, prepared.plan, prepared.units)
        return
    result = telling(run.output, carry_out(engine, prepared.work, clock))
    show_deployed(run.output, result)
