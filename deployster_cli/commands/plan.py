"""deployster plan."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.cli.change import intent_of, roll_out
from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import ADOPT, INSTANCES, ROLLING, VALUES, shared_options, with_options
from deployster_cli.domain.change import Verb


@click.command("plan")
@click.argument("service")
@click.argument("version")
@click.option("--destroy-previous", is_flag=True, help="Retire every earlier release once this one runs.")
@with_options(ADOPT)
@with_options(INSTANCES, *VALUES, *ROLLING)
@click.option("--recreate", is_flag=True, help="Replace instances of the same version too.")
@shared_options
def cli(service: str, version: str, **given: Any) -> None:
    """Show what deploy would do with the same arguments, without changing anything (as deploy --dry-run).

    \b
    deployster plan carousel a41c9e2 --destroy-previous
    deployster plan carousel a41c9e2 -o json
    """
    roll_out(this_run(), intent_of(Verb.DEPLOY, service, version, given), dry_run=True)
