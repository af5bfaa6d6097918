"""deployster services."""

from __future__ import annotations

import click

from deployster_cli.commands.shared import shared_options, this_run


@click.command("services")
@shared_options
def cli() -> None:
    """One line a release: how many of its instances run, how the worst of them is, and on which machines."""
    from deployster_cli.operations.units import list_services  # noqa: PLC0415
    from deployster_cli.views.results import show_services  # noqa: PLC0415

    run = this_run()
    show_services(run.output, list_services(run.engine()))
