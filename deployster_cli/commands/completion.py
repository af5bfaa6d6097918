"""deployster completion."""

from __future__ import annotations

import os

import click

from deployster_cli.cli.completion.scripts import SHELLS, install
from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.option("--install", "installing", is_flag=True, help="Install it where the shell looks for it.")
@shared_options
def cli(shell: str, installing: bool) -> None:
    """Print the script for TAB completion of commands, options and live names.

    \b
    deployster completion bash --install
    . <(deployster completion bash)
    """
    output = this_run().output
    if installing:
        output.note(install(SHELLS[shell], os.environ))
    else:
        output.text(SHELLS[shell].script)
