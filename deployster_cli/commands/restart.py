"""deployster restart."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import FORCE_SETTINGS, intent_of, roll_out
from deployster_cli.commands.options import ROLLING_ONE_BY_ONE, VALUES, YES
from deployster_cli.commands.shared import shared_options, this_run, with_options
from deployster_cli.domain.intent import Verb


@click.command("restart")
@click.argument("service")
@with_options(*VALUES, *ROLLING_ONE_BY_ONE, YES, FORCE_SETTINGS)
@shared_options
def cli(service: str, **given: Any) -> None:
    """Replace every instance of the newest release by a fresh one, one at a time and without a gap.

    \b
    deployster restart carousel
    deployster restart carousel --batch-size 2
    """
    roll_out(this_run(), intent_of(Verb.RESTART, service, None, given), dry_run=given["dry_run"], yes=given["yes"])
