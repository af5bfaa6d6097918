"""deployster scale."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.cli.change import ACCEPT_CHANGES, intent_of, roll_out
from deployster_cli.cli.context import Run, this_run
from deployster_cli.cli.options import ROLLING, VALUES, number, shared_options, with_options
from deployster_cli.cli.prompts import confirmed
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.limits import MOST_AT_ONCE
from deployster_cli.domain.wording import on
from deployster_cli.errors import DeploysterError


@click.command("scale")
@click.argument("service")
@click.argument("instances", type=number(1, MOST_AT_ONCE), metavar="N")
@with_options(*VALUES, *ROLLING, ACCEPT_CHANGES)
@click.option("--yes", is_flag=True, help="Don't ask before instances are destroyed.")
@shared_options
def cli(service: str, instances: int, yes: bool, **given: Any) -> None:
    """Run N instances of the newest release: start more, or retire the surplus after asking.

    \b
    deployster scale carousel 5
    deployster scale carousel 1 --yes
    """
    run = this_run()
    intent = intent_of(Verb.SCALE, service, None, {**given, "instances": instances})
    if not (yes or given["dry_run"]):
        _confirm(run, intent)
    roll_out(run, intent, dry_run=given["dry_run"], yes=yes)


def _confirm(run: Run, intent: Change) -> None:
    """Show the plan where it retires something, and have it confirmed; DeploysterError where it isn't."""
    from deployster_cli.views.rollouts import announce_plan

    shown = run.backend().checked(intent).prepare()
    if not shown.plan.retire:
        return
    announce_plan(run.output, shown.plan, shown.units)
    if not confirmed(f"Continue{on(run.settings.place)}?", yes=False):
        raise DeploysterError("Not scaled. Nothing was changed.")
