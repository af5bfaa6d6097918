"""deployster rollback."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.cli.change import ACCEPT_CHANGES, intent_of, roll_out
from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import INSTANCES, ROLLING, VALUES, YES, shared_options, with_options
from deployster_cli.domain.change import Verb


@click.command("rollback")
@click.argument("service")
@click.argument("version", required=False)
@with_options(INSTANCES, *VALUES, *ROLLING, YES, ACCEPT_CHANGES)
@shared_options
def cli(service: str, version: str | None, **given: Any) -> None:
    """Go back to the release before the latest one, or to VERSION, and retire all others.

    \b
    deployster rollback carousel
    deployster history carousel
    """
    roll_out(this_run(), intent_of(Verb.ROLLBACK, service, version, given), dry_run=given["dry_run"], yes=given["yes"])
