"""deployster history."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.cli.watch import remark_on_silent


@click.command("history")
@click.argument("service")
@shared_options
def cli(service: str) -> None:
    """List the releases of SERVICE, newest first: those that run, then those the newest one remembers.

    \b
    deployster history carousel
    """
    from deployster_cli.views.results import show_history

    run = this_run()
    backend = run.backend()
    show_history(run.output, service, backend.history(service), backend.silent)
    remark_on_silent(run)
