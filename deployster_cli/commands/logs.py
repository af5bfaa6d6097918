"""deployster logs."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import number, shared_options
from deployster_cli.cli.prompts import ask_here
from deployster_cli.domain.units.names import MOST_INSTANCES

_MOST_LINES = 100_000


@click.command("logs")
@click.argument("service")
@click.argument("version", required=False)
@click.option("-f", "--follow", is_flag=True, help="Follow the journals, of new instances too, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=number(0, _MOST_LINES), default="10", show_default=True, metavar="N", help="Of each instance."
)
@click.option(
    "--instance", "instances", type=number(1, MOST_INSTANCES), multiple=True, metavar="N", help="Only this one."
)
@shared_options
def cli(service: str, version: str | None, follow: bool, lines: int, instances: tuple[int, ...]) -> int:
    """Show the journals of all instances of SERVICE together, or of those of VERSION.

    \b
    deployster logs carousel -f
    deployster logs carousel 9f88701 -n 100 --instance 2
    """
    from deployster_cli.operations.logs import Wanted
    from deployster_cli.views.logs import show_logs

    run = this_run()
    ask_here(machines=True)
    wanted = Wanted(service, version, instances, lines)
    return show_logs(run.output, run.backend().logs(wanted, follow=follow))
