"""deployster services."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options, with_options
from deployster_cli.cli.watch import WATCHING, show_or_watch


@click.command("services")
@with_options(*WATCHING)
@shared_options
def cli(watching: bool, interval: float) -> None:
    """List releases: how many of their instances run, their worst state, and on which machines.

    \b
    deployster services
    deployster services --watch --interval 5s
    """
    from deployster_cli.views.results import services_listing

    run = this_run()
    show_or_watch(run, run.backend().services, services_listing, interval if watching else None, "services")
