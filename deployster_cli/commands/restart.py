"""deployster restart."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.cli.change import ACCEPT_CHANGES, intent_of, roll_out
from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import ROLLING_ONE_BY_ONE, VALUES, YES, shared_options, with_options
from deployster_cli.domain.change import Verb


@click.command("restart")
@click.argument("service")
@with_options(*VALUES, *ROLLING_ONE_BY_ONE, YES, ACCEPT_CHANGES)
@shared_options
def cli(service: str, **given: Any) -> None:
    """Replace every instance of the newest release with a fresh one, one at a time and without downtime.

    \b
    deployster restart carousel
    deployster restart carousel --batch-size 2
    """
    roll_out(this_run(), intent_of(Verb.RESTART, service, None, given), dry_run=given["dry_run"], yes=given["yes"])
