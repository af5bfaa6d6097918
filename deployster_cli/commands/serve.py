"""deployster serve."""

from __future__ import annotations

import importlib

import click

from deployster_cli.cli.context import KEY, Run
from deployster_cli.cli.options import shared_options, with_options
from deployster_cli.errors import InvalidInput

OPTIONS = (
    click.option("--listen", metavar="HOST:PORT", help="Address to listen on (default: 0.0.0.0:3000)."),
    click.option("--username", metavar="NAME", help="User name to accept (default: deployster)."),
    click.option("--password", metavar="TEXT", help="Password to accept (default: mmmhm, from this machine only)."),
    click.option("--password-file", metavar="FILE", help="A file with the password on its only line."),
    click.option("--docker-hub-username", metavar="NAME", help="The Docker Hub account that images are under."),
    click.option("--cert", metavar="FILE", help="HTTPS: the certificate with its chain."),
    click.option("--key", metavar="FILE", help="HTTPS: the certificate's key."),
    click.option("--state", metavar="FOLDER", help="Where jobs are kept (default: ~/.local/state/deployster/serve)."),
)


@click.command("serve")
@with_options(*OPTIONS)
@shared_options
def cli(**given: str | None) -> None:
    """Serve the same operations over HTTP, with a dashboard.

    \b
    deployster serve --password-file /etc/deployster/password
    deployster serve --listen '[::]:443' --cert cert.pem --key key.pem
    """
    flags = click.get_current_context().find_root().meta.get(KEY, {})
    settings = Run({**flags, **given}).settings
    try:
        running = importlib.import_module("deployster_cli.server.main")
    except ModuleNotFoundError as error:
        raise InvalidInput(f"serve needs the library {error.name}.", "pip install 'deployster[serve]'") from error
    running.serve(settings)
