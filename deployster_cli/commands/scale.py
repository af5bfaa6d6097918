"""deployster scale."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import FORCE_SETTINGS, intent_of, roll_out
from deployster_cli.commands.options import ROLLING, VALUES
from deployster_cli.commands.parameters import number
from deployster_cli.commands.shared import confirmed, shared_options, this_run, with_options
from deployster_cli.domain.intent import Verb
from deployster_cli.domain.limits import MOST_AT_ONCE
from deployster_cli.domain.wording import on
from deployster_cli.errors import DeploysterError


@click.command("scale")
@click.argument("service")
@click.argument("instances", type=number(1, MOST_AT_ONCE), metavar="N")
@with_options(*VALUES, *ROLLING, FORCE_SETTINGS)
@click.option("--yes", is_flag=True, help="Don't ask before instances are destroyed.")
@shared_options
def cli(service: str, instances: int, yes: bool, **given: Any) -> None:
    """Make the newest release run N instances: start more, or retire the surplus (shown first).

    \b
    deployster scale carousel 5
    deployster scale carousel 1 --yes
    """
    from deployster_cli.views.rollouts import announce_plan  # noqa: PLC0415

    run = this_run()
    intent = intent_of(Verb.SCALE, service, None, {**given, "instances": instances})
    shown = run.backend().undertake(intent).prepare()
    if shown.plan.retire and not given["dry_run"]:
        announce_plan(run.output, shown.plan, shown.units)
        if not confirmed(f"Go on{on(run.settings.place)}?", yes=yes):
            raise DeploysterError("Not scaled. Nothing was changed.")
    roll_out(run, intent, dry_run=given["dry_run"], yes=yes)
