"""deployster units."""

from __future__ import annotations

import click

from deployster_cli.commands.shared import shared_options, this_run


@click.command("units")
@click.argument("service", required=False)
@shared_options
def cli(service: str | None) -> None:
    """Every unit, or every unit of SERVICE: version, instance, state, machine and port.

    \b
    deployster units carousel
    deployster units -o json
    """
    from deployster_cli.operations.units import list_units  # noqa: PLC0415
    from deployster_cli.views.results import show_units  # noqa: PLC0415

    run = this_run()
    show_units(run.output, list_units(run.engine(), service), service)
