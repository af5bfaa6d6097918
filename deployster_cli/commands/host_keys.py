"""An ssh host key that nobody knows yet, put before the person at the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from deployster_cli.commands.shared import below_the_question

if TYPE_CHECKING:
    from deployster_cli.engines.host_keys import HostKey


def ask_here(*, machines: bool = False) -> None:
    """Have the person at this terminal decide about unknown host keys until this run ends; nobody where there is none.

    ``machines``: also about those of the cluster's machines, for a command that is nothing without reaching them.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return
    from deployster_cli.engines.host_keys import Asking, asked, asking  # noqa: PLC0415 - only where somebody can be

    if asking(machine=True):
        return
    click.get_current_context().find_root().with_resource(asked(Asking(trusted, machines)))


def trusted(key: HostKey) -> bool:
    """Whether the person says that it is the machine's."""
    prints = [f"SHA256:{key.sha256}", f"MD5 {key.md5}"] if key.sha256 else [f"MD5 {key.md5}"]
    click.echo(f"The ssh host key of {key.host} is not known here. It is of the kind {key.kind}:", err=True)
    for line in prints:
        click.echo(f"  {line}", err=True)
    click.echo(f"On that machine this prints the same: {key.compare}", err=True)
    with below_the_question():
        return click.confirm(f"Trust it as the key of {key.host} from now on?", err=True)
