"""deployster init."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployster_cli.cli.context import KEY, here, this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.cli.prompts import below_the_question, on_terminal
from deployster_cli.engines.declaration import DEFAULT, declared
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from deployster_cli.engines.declaration import Declaration


@click.command("init")
@click.argument("service", required=False)
@click.option(
    "--machine", "machines", multiple=True, metavar="M", help="A machine as ssh takes it: [user@]name[:port]."
)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
@shared_options
def cli(service: str | None, machines: tuple[str, ...], overwrite: bool) -> None:
    """Write a deployster.toml, a template to adapt and a Makefile fragment into this folder.

    SERVICE defaults to the folder's name; --engine says what will run it. On a terminal it asks what isn't given.

    \b
    deployster init carousel --engine local
    deployster init carousel --machine web1 --machine deploy@web2
    """
    from deployster_cli.operations.init import project_files, service_for, write
    from deployster_cli.operations.templates import names
    from deployster_cli.views.results import show_written

    folder = here()
    its = _engine(machines)
    machines = machines or _machines(its)
    named = service or service_for(folder)
    files = project_files(named, its, names(None), machines)
    write(folder, files, overwrite=overwrite)
    show_written(this_run().output, named, list(files), setup=bool(its.machines))


def _engine(machines: tuple[str, ...]) -> Declaration:
    """The declaration of the engine that is named, or meant by what is named, or chosen by who is asked."""
    known = declared()
    given = click.get_current_context().find_root().meta.get(KEY, {}).get("engine")
    if given:
        return known[str(given)]
    if machines:
        return next(its for its in known.values() if its.machines)
    if not on_terminal():
        return known[DEFAULT]
    for name, its in known.items():
        click.echo(f"  {name:8}{its.offer}", err=True)
    with below_the_question():
        return known[click.prompt("What is to run it?", type=click.Choice(list(known)), default=DEFAULT, err=True)]


def _machines(its: Declaration) -> tuple[str, ...]:
    """The machines that somebody names who is asked; none where there is nobody, or where none are to be named."""
    from deployster_cli.operations.init import check_machines

    if not its.machines or not on_terminal():
        return ()

    def typed(text: str) -> tuple[str, ...]:
        found = tuple(text.replace(",", " ").split())
        try:
            check_machines(its, found)
        except InvalidInput as error:
            raise click.BadParameter(error.message) from error
        return found

    with below_the_question():
        asked: tuple[str, ...] = click.prompt(
            "Which machines? As ssh takes them, a space between", value_proc=typed, err=True
        )
    return asked
