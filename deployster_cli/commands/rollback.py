"""deployster rollback."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import FORCE_SETTINGS, request_of, roll_out
from deployster_cli.commands.options import INSTANCES, ROLLING, VALUES, with_options
from deployster_cli.commands.shared import shared_options, this_run


@click.command("rollback")
@click.argument("service")
@click.argument("version", required=False)
@with_options(INSTANCES, *VALUES, *ROLLING, FORCE_SETTINGS)
@shared_options
def cli(service: str, version: str | None, **given: Any) -> None:
    """Go back to the release before the one that was deployed last, or to VERSION, and retire all others.

    \b
    deployster rollback carousel
    deployster history carousel
    """
    from deployster_cli.operations.standing import rolled_back  # noqa: PLC0415 - pulls in jinja2

    run = this_run()
    request, render = request_of(run, service, version or "previous", given)
    roll_out(
        run,
        request,
        render,
        given,
        doing="rolling back",
        settle=lambda now, asked: rolled_back(now, asked, version),
    )
