"""What every command shares: the options that go before or after its name, and the run they describe."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from deployster_cli.cli.prompts import ask_login
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from deployster_cli.backends.base import Backend
    from deployster_cli.backends.remote.backend import Remote
    from deployster_cli.config.load import Settings
    from deployster_cli.engines.base import Engine
    from deployster_cli.views.output import Output


KEY = "deployster.flags"


class Run:
    """One run of a command: its settings, engine and output, each made when it is first asked for."""

    def __init__(self, flags: dict[str, object]) -> None:
        self._flags = flags
        self._settings: Settings | None = None
        self._backend: Backend | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read once. ConfigError where they can't be used."""
        if self._settings is None:
            from deployster_cli.config.load import load  # help and version need none

            self._settings = load(self._flags, os.environ, here())
        return self._settings

    @property
    def settings_here(self) -> Settings:
        """The settings of a run that works on this machine; InvalidInput where they name a server that is to do it."""
        if self.settings.server:
            raise not_there(self.settings)
        return self.settings

    def engine(self) -> Engine:
        """Return the engine that the settings choose; InvalidInput where they name a server."""
        from deployster_cli.cli.prompts import ask_here  # help and version need none
        from deployster_cli.config.load import open_engine

        ask_here()
        return open_engine(self.settings_here)

    def backend(self) -> Backend:
        """Return what this run asks, one for all of it: the engine of its settings, or the server that they name."""
        if self._backend is None:
            self._backend = self._remote() if self.settings.server else self._direct()
        return self._backend

    def _direct(self) -> Backend:
        from deployster_cli.backends.local import Direct  # help and version need none

        return Direct(self.settings, self.engine, person)

    def _remote(self) -> Backend:

        return remote(self.settings)

    @property
    def output(self) -> Output:
        """How this run shows things."""
        from deployster_cli.views.output import Output

        color = not (self._flags.get("no_color") or os.environ.get("NO_COLOR"))
        quiet, verbose = bool(self._flags.get("quiet")), bool(self._flags.get("verbose"))
        return Output(str(self._flags.get("output") or "table"), quiet, color, verbose)


def here() -> Path:
    """Return the working folder; InvalidInput where it is gone."""
    from pathlib import Path  # help and version need none

    from deployster_cli.errors import InvalidInput

    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise InvalidInput("The working folder no longer exists; change to another one.") from error


def this_run() -> Run:
    """Return the run that click is in."""
    return Run(click.get_current_context().find_root().meta.get(KEY, {}))


def person() -> str:
    """Who deploys, for the stamp: ``user@host``, made of printable ASCII."""
    import getpass
    import socket

    from deployster_cli.domain.units.names import stampable

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return stampable(f"{user}@{socket.gethostname()}")


def remote(settings: Settings) -> Remote:
    """Return the backend for the server of these settings; it is closed when the command ends."""
    from deployster_cli.backends.remote.login import find_login
    from deployster_cli.operations.clock import SystemClock

    try:
        from deployster_cli.backends.remote.backend import Remote  # pulls in httpx
        from deployster_cli.backends.remote.connection import Connection
    except ModuleNotFoundError as error:
        if error.name not in {"httpx", "httpx_sse"}:
            raise
        raise InvalidInput(f"--server needs the library {error.name}.", "pip install 'deployster[client]'") from None
    ask = ask_login if sys.stdin and sys.stdin.isatty() else None
    login = partial(find_login, settings.server, os.environ, ask)
    server = Connection(settings.server, settings.server_ca, login, this_run().output.request)
    backend = Remote(server, person, SystemClock())
    click.get_current_context().call_on_close(backend.close)
    return backend


def not_there(settings: Settings) -> InvalidInput:
    """Why this command can't be given to a server."""
    name = click.get_current_context().command_path.removeprefix("deployster ")
    return InvalidInput(
        f"{name} needs an engine or local files, but these settings name a server: {settings.server}.",
        "Run it where the engine is, or pass --server= to use this machine's own settings.",
    )
