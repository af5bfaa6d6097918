"""deployster diff."""

from __future__ import annotations

import click

from deployster_cli.cli.context import person, this_run
from deployster_cli.cli.options import VALUES, shared_options, with_options


@click.command("diff")
@click.argument("service")
@click.argument("version")
@with_options(*VALUES)
@shared_options
def cli(*, service: str, version: str, template: str | None, **values: tuple[str, ...]) -> None:
    """Show how the unit file of VERSION would differ from the one that runs now.

    \b
    deployster diff carousel a41c9e2
    """
    from deployster_cli.operations.change import renderer  # pulls in jinja2
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.diff import diff
    from deployster_cli.views.results import show_diff

    run = this_run()
    render = renderer(run.settings_here, service, template or "", values["sets"], values["envs"])
    show_diff(run.output, diff(run.engine(), render, version, now=SystemClock().utc(), by=person()))
