"""deployster templates list|show."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import NotFound


@click.group("templates")
@shared_options
def cli() -> None:
    """List or print unit templates: the built-in ones, and your own, which take precedence.

    \b
    deployster templates list
    deployster templates show docker
    """


@cli.command("list")
@shared_options
def list_() -> None:
    """List every template and where it is from."""
    from deployster_cli.operations.templates import names
    from deployster_cli.views.results import show_templates

    run = this_run()
    show_templates(run.output, names(run.settings.templates_dir))


@cli.command("show")
@click.argument("name")
@shared_options
def show(name: str) -> None:
    """Print a template, to read it or to start your own from it."""
    from deployster_cli.domain.wording import did_you_mean
    from deployster_cli.operations.templates import load, names

    run = this_run()
    folder = run.settings.templates_dir
    if name not in names(folder):
        meant = did_you_mean(name, names(folder))
        raise NotFound(f"No template {quoted(name)} found.{meant}", f"Templates: {', '.join(names(folder))}.")
    run.output.text(load(folder)[f"{name}.service.j2"])
