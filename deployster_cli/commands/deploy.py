"""deployster deploy."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.cli.change import intent_of, roll_out
from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import ADOPT, INSTANCES, ROLLING, VALUES, YES, shared_options, with_options
from deployster_cli.domain.change import Verb


@click.command("deploy")
@click.argument("service")
@click.argument("version")
@click.option("--destroy-previous", is_flag=True, help="Retire every earlier release once this one runs.")
@with_options(ADOPT)
@with_options(INSTANCES, *VALUES, *ROLLING, YES)
@click.option(
    "--before",
    multiple=True,
    metavar="CMD",
    help="Run this once with the new release first; it must succeed within 10 minutes.",
)
@click.option("--recreate", is_flag=True, help="Replace instances of the same version too.")
@shared_options
def cli(service: str, version: str, **given: Any) -> None:
    """Start VERSION of SERVICE, wait until every instance runs, then retire the earlier ones if asked.

    \b
    deployster deploy carousel 9f88701 --instances 3
    deployster deploy carousel a41c9e2 --destroy-previous
    """
    roll_out(this_run(), intent_of(Verb.DEPLOY, service, version, given), dry_run=given["dry_run"], yes=given["yes"])
