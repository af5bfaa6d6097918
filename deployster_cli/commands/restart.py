"""deployster restart."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.deploying import FORCE_SETTINGS, request_of, roll_out
from deployster_cli.commands.options import ROLLING, VALUES, with_options
from deployster_cli.commands.shared import shared_options, this_run


@click.command("restart")
@click.argument("service")
@with_options(*VALUES, *ROLLING, FORCE_SETTINGS)
@shared_options
def cli(service: str, **given: Any) -> None:
    """Replace every instance of the newest release by a fresh one, one at a time and without a gap."""
    from deployster_cli.operations.standing import of_the_newest  # noqa: PLC0415 - pulls in jinja2

    run = this_run()
    given["batch_size"] = given["batch_size"] or 1
    request, render = request_of(run, service, "newest", {**given, "force": True})
    roll_out(run, request, render, given, doing="restarting", settle=of_the_newest)
