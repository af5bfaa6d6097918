"""deployster units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options, with_options
from deployster_cli.cli.watch import WATCHING, show_or_watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployster_cli.domain.units.model import Unit
    from deployster_cli.views.output import Listing


@click.command("units")
@click.argument("service", required=False)
@with_options(*WATCHING)
@shared_options
def cli(service: str | None, watching: bool, interval: float) -> None:
    """List all units, or those of SERVICE, with version, instance, state, machine and port.

    \b
    deployster units carousel --watch
    deployster units -o json
    """
    from deployster_cli.domain.wording import did_you_mean
    from deployster_cli.views.results import units_listing

    run = this_run()
    backend = run.backend()

    def listing(units: Sequence[Unit]) -> Listing:
        meant = ""
        if service and not units and not watching:
            meant = did_you_mean(service, (unit.name.service for unit in backend.units()))
        return units_listing(run.output, units, service, meant, backend.silent)

    title = f"units of {service}" if service else "units"
    show_or_watch(run, lambda: backend.units(service), listing, interval if watching else None, title)
