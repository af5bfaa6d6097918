"""deployster config."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options


@click.command("config")
@shared_options
def cli() -> None:
    """Show every setting of this run, and where it came from: flag, variable, line of deployster.toml, or default.

    \b
    deployster config --cluster staging
    """
    from deployster_cli.config.report import entries
    from deployster_cli.views.results import show_settings

    run = this_run()
    show_settings(run.output, entries(run.settings))
