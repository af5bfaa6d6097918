"""What every command shares: the options that go before or after its name, and the run they describe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from deployster_cli.config import Settings
    from deployster_cli.engines.base import Engine
    from deployster_cli.views.output import Output

F = TypeVar("F", bound=Callable[..., object])

KEY = "deployster.flags"


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Note an option's value for the whole run; the one behind the command's name counts before the one ahead of it."""
    flags = ctx.find_root().meta.setdefault(KEY, {})
    if value not in (None, False):
        flags[param.name] = value


def _option(*names: str, **facts: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_remember, **facts)


def shared_options(command: F) -> F:
    """The options that are accepted before COMMAND and after it."""
    options = [
        _option("--cluster", metavar="NAME", help="A cluster of deployster.toml."),
        _option("--engine", type=click.Choice(["fleet", "local"]), help="What runs units (default: fleet)."),
        _option("--endpoint", metavar="URL", help="fleet's API (as fleetctl --endpoint)."),
        _option("--tunnel", metavar="HOST[:PORT]", help="Reach fleet over ssh (as fleetctl --tunnel)."),
        _option("--config", metavar="FILE", help="Use this file, not the deployster.toml found upwards from here."),
        _option("-o", "--output", type=click.Choice(["table", "plain", "json", "wide"]), help="Form of the result."),
        _option("-q", "--quiet", is_flag=True, default=None, help="No progress."),
        _option("--no-color", is_flag=True, default=None, help="No colour (also: NO_COLOR)."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class Run:
    """One run of a command: its settings, engine and output, each made when it is first asked for."""

    def __init__(self, flags: dict[str, object]) -> None:
        self._flags = flags
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read once. ConfigError where they can't be used."""
        if self._settings is None:
            from deployster_cli.config import load  # noqa: PLC0415 - help and version need none

            self._settings = load(self._flags, os.environ, _here())
        return self._settings

    def engine(self) -> Engine:
        """The engine that the settings choose."""
        from deployster_cli.config import open_engine  # noqa: PLC0415

        return open_engine(self.settings)

    @property
    def output(self) -> Output:
        """How this run shows things."""
        from deployster_cli.views.output import Output  # noqa: PLC0415

        color = not (self._flags.get("no_color") or os.environ.get("NO_COLOR"))
        return Output(str(self._flags.get("output") or "table"), bool(self._flags.get("quiet")), color)


def _here() -> Path:
    from pathlib import Path  # noqa: PLC0415 - help and version need none

    from deployster_cli.errors import InvalidInput  # noqa: PLC0415

    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise InvalidInput("The working folder is gone; change to one that is there.") from error


def this_run() -> Run:
    """The run that click is in."""
    return Run(click.get_current_context().find_root().meta.get(KEY, {}))


def person() -> str:
    """Who deploys, for the stamp: ``user@host``, made of printable ASCII."""
    import getpass  # noqa: PLC0415
    import socket  # noqa: PLC0415

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    text = f"{user}@{socket.gethostname()}"
    return "".join(char for char in text if char.isascii() and char.isprintable() and char not in ' "%\\')


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on with something that destroys: asked on a terminal; off it, --yes must have said so."""
    if yes:
        return True
    if not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError(f"{question} Nobody is there to ask: give --yes.", click.get_current_context())
    return click.confirm(question, err=True)
