"""What is asked of the person at the terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from deployster_cli.errors import DeploysterError

if TYPE_CHECKING:
    from deployster_cli.config.load import Settings
    from deployster_cli.engines.fleet.ssh.host_keys import HostKey


# What stands for the cluster's name where the file's own is protected, and no other was chosen.
UNNAMED = "default"


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on with something that destroys: asked on a terminal; off it, --yes must have said so."""
    if yes:
        return True
    if not on_terminal():
        raise click.UsageError(f"{question} Not a terminal: pass --yes to confirm.", click.get_current_context())
    with below_the_question():
        return click.confirm(_fit(f"{question} [y/N]:"), show_default=False, prompt_suffix=" ", err=True)


def _fit(question: str) -> str:
    from deployster_cli.views.text import fit  # help and version need none

    return fit(question, sys.stderr)


@contextlib.contextmanager
def below_the_question() -> Iterator[None]:
    """Where a question is answered with Ctrl-C, what is said of it begins a line of its own."""
    try:
        yield
    except click.Abort:
        click.echo(err=True)
        raise


def confirm_protected(settings: Settings, doing: str, *, yes: bool) -> None:
    """Have a change of a protected cluster confirmed: on a terminal by its name, off it by --yes.

    ``doing`` begins the question: "Deploying carousel 9f88701". DeploysterError where another name is typed.
    """
    if yes or not settings.protected:
        return
    where = f"{doing} on {settings.place or UNNAMED}, a protected cluster."
    if not on_terminal():
        raise click.UsageError(f"{where} Not a terminal: pass --yes to confirm.", click.get_current_context())
    with below_the_question():
        asked = _fit(f"{where} Type its name to confirm:")
        typed = click.prompt(asked, default="", show_default=False, prompt_suffix=" ", err=True)
    if typed.strip() != (settings.place or UNNAMED):
        raise DeploysterError("Not confirmed. Nothing was changed.")


def ask_here(*, machines: bool = False) -> None:
    """Have the person at this terminal decide about unknown host keys until this run ends; nobody where there is none.

    ``machines``: also about those of the cluster's machines, for a command that is nothing without reaching them.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return
    from deployster_cli.engines.fleet.ssh.host_keys import Asking, asked, asking  # only where somebody can be

    if asking(machine=True):
        return
    click.get_current_context().find_root().with_resource(asked(Asking(trusted, machines)))


def trusted(key: HostKey) -> bool:
    """Whether the person says that it is the machine's."""
    prints = [f"SHA256:{key.sha256}", f"MD5 {key.md5}"] if key.sha256 else [f"MD5 {key.md5}"]
    click.echo(f"The ssh host key of {key.host} is not known here. Its type is {key.kind}:", err=True)
    for line in prints:
        click.echo(f"  {line}", err=True)
    click.echo(f"To compare, run this on that machine: {key.compare}", err=True)
    with below_the_question():
        return click.confirm(f"Trust it as the key of {key.host} from now on?", err=True)


def ask_login(url: str, username: str) -> tuple[str, str]:
    """Have somebody type a login; the password is not shown."""
    name = click.prompt(f"Username for {url}", default=username, err=True)
    return name, click.prompt("Password", hide_input=True, err=True)


def on_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return bool(sys.stdin and sys.stdin.isatty())
