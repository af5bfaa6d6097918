"""deployster init."""

from __future__ import annotations

import click

from deployster_cli.cli.context import KEY, here, this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.engines.declaration import DEFAULT, declared


@click.command("init")
@click.argument("service", required=False)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
@shared_options
def cli(service: str | None, overwrite: bool) -> None:
    """Write a deployster.toml, a template to adapt and a Makefile fragment into this folder.

    SERVICE defaults to the folder's name; --engine says what will run it.

    \b
    deployster init carousel --engine local
    """
    from deployster_cli.operations.init import project_files, service_for, write
    from deployster_cli.operations.templates import names
    from deployster_cli.views.results import show_written

    engine = str(click.get_current_context().find_root().meta.get(KEY, {}).get("engine") or DEFAULT)
    folder = here()
    named = service or service_for(folder)
    files = project_files(named, declared()[engine], names(None))
    write(folder, files, overwrite=overwrite)
    show_written(this_run().output, named, list(files))
