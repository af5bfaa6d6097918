"""--server: the backend that asks a server, and what a server can't be asked."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from deployster_cli.commands.shared import person, this_run
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from deployster_cli.config import Settings
    from deployster_cli.remote.backend import Remote


def remote(settings: Settings) -> Remote:
    """The backend for the server of these settings; it is closed when the command ends."""
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.remote.login import find_login  # noqa: PLC0415

    try:
        from deployster_cli.remote.backend import Remote  # noqa: PLC0415 - pulls in httpx
        from deployster_cli.remote.connection import Connection  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        raise InvalidInput("--server needs the library httpx.", "pip install 'deployster[client]'") from None
    ask = _ask if sys.stdin and sys.stdin.isatty() else None
    login = partial(find_login, settings.server, os.environ, ask)
    server = Connection(settings.server, settings.server_ca, login, this_run().output.request)
    backend = Remote(server, person, SystemClock())
    click.get_current_context().call_on_close(backend.close)
    return backend


def _ask(url: str, username: str) -> tuple[str, str]:
    """Have somebody type a login; the password is not shown."""
    name = click.prompt(f"Username for {url}", default=username, err=True)
    return name, click.prompt("Password", hide_input=True, err=True)


def not_there(settings: Settings) -> InvalidInput:
    """Why this command can't be given to a server."""
    name = click.get_current_context().command_path.removeprefix("deployster ")
    return InvalidInput(
        f"{name} works on an engine or on files here, and these settings name a server: {settings.server}.",
        "Run it where the engine is, or with --server= for this machine's own settings.",
    )
