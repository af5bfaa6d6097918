"""deployster scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from deployster_cli.commands.deploying import FORCE_SETTINGS, request_of, roll_out
from deployster_cli.commands.options import ROLLING, VALUES, with_options
from deployster_cli.commands.parameters import number
from deployster_cli.commands.shared import confirmed, shared_options, this_run
from deployster_cli.domain.plan import MOST_AT_ONCE
from deployster_cli.errors import DeploysterError


@click.command("scale")
@click.argument("service")
@click.argument("instances", type=number(1, MOST_AT_ONCE), metavar="N")
@with_options(*VALUES, *ROLLING, FORCE_SETTINGS)
@click.option("--yes", is_flag=True, help="Don't ask before instances are destroyed.")
@shared_options
def cli(service: str, instances: int, yes: bool, **given: Any) -> None:
    """Make the newest release run N instances: start more, or retire the surplus (shown first)."""
    from deployster_cli.operations import deploy  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.operations.standing import of_the_newest, standing  # noqa: PLC0415
    from deployster_cli.views.rollouts import announce_plan  # noqa: PLC0415

    run = this_run()
    asked, render = request_of(run, service, "newest", {**given, "instances": instances})
    request = replace(asked, as_it_is=True)
    engine = run.engine()
    plan = deploy.prepare(engine, of_the_newest(standing(engine, service), request), render, SystemClock().utc())
    if plan.plan.retire and not given["dry_run"]:
        announce_plan(run.output, plan.plan, plan.units)
        if not confirmed("Go on?", yes=yes):
            raise DeploysterError("Not scaled.")
    roll_out(run, request, render, given, doing=f"scaling to {instances}", settle=of_the_newest)
