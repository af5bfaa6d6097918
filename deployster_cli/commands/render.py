"""deployster render."""

from __future__ import annotations

import click

from deployster_cli.cli.context import person, this_run
from deployster_cli.cli.options import VALUES, number, shared_options, with_options
from deployster_cli.domain.units.names import MOST_INSTANCES


@click.command("render")
@click.argument("service")
@click.argument("version")
@click.option("--instance", type=number(1, MOST_INSTANCES), default=1, show_default=True, metavar="N")
@with_options(*VALUES)
@shared_options
def cli(*, service: str, version: str, instance: int, template: str | None, **values: tuple[str, ...]) -> None:
    """Print the unit file that deploy would start. No engine is asked, so an assigned port is only an example.

    \b
    deployster render carousel 9f88701
    deployster render carousel 9f88701 --instance 2 --set port=3001
    """
    from deployster_cli.operations.change import renderer  # pulls in jinja2
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.deploy import sample  # pulls in jinja2
    from deployster_cli.views.results import show_unit_file

    run = this_run()
    render = renderer(run.settings_here, service, template or "", values["sets"], values["envs"])
    show_unit_file(run.output, sample(render, version, instance=instance, now=SystemClock().utc(), by=person()))
