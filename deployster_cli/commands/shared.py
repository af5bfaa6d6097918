"""What every command shares: the options that go before or after its name, and the run they describe."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deployster_cli.errors import DeploysterError

if TYPE_CHECKING:
    from pathlib import Path

    from deployster_cli.backend import Backend
    from deployster_cli.config import Settings
    from deployster_cli.engines.base import Engine
    from deployster_cli.views.output import Output

F = TypeVar("F", bound=Callable[..., object])

KEY = "deployster.flags"

UNNAMED = "default"
"""What stands for the cluster's name where the file's own is protected, and no other was chosen."""


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Note an option's value for the whole run; the one behind the command's name counts before the one ahead of it."""
    flags = ctx.find_root().meta.setdefault(KEY, {})
    if value not in (None, False):
        flags[param.name] = value


def _listen(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Tell of every call that an engine makes, until this run ends."""
    _remember(ctx, param, value)
    if value and not ctx.resilient_parsing:
        from deployster_cli.engines.process import observed  # noqa: PLC0415 - only with -v

        root = ctx.find_root()  # click knows the context in this thread only, and a lock is given back in another
        told = observed(lambda done: Run(root.meta[KEY]).output.call(done.argv, done.code, done.seconds))
        root.with_resource(told)


def _option(*names: str, **facts: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_remember, **facts)


def with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """All of these on one command, in this order in its help."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def shared_options(command: F) -> F:
    """The options that are accepted before COMMAND and after it."""
    options = (
        _option("--cluster", metavar="NAME", help="A cluster of deployster.toml."),
        _option("--engine", type=click.Choice(["fleet", "local"]), help="What runs units (default: fleet)."),
        _option("--endpoint", metavar="URL", help="fleet's API (as fleetctl --endpoint)."),
        _option("--tunnel", metavar="HOST[:PORT]", help="Reach fleet over ssh (as fleetctl --tunnel)."),
        _option("--strict-host-key-checking", metavar="BOOL", help="false takes any ssh host key (default: true)."),
        _option("--known-hosts-file", metavar="FILE", help="Known ssh host keys (default: ~/.fleetctl/known_hosts)."),
        _option("--server", metavar="URL", help="Ask a deployster serve there, and no engine."),
        _option("--server-ca", metavar="FILE", help="Trust the certificates in this file for --server."),
        _option("--config", metavar="FILE", help="Use this file, not the deployster.toml found upwards from here."),
        _option("-o", "--output", type=click.Choice(["table", "plain", "json", "wide"]), help="Form of the result."),
        _option("-q", "--quiet", is_flag=True, default=None, help="No progress."),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_listen,
            help="Show every call of fleetctl or systemctl, with its exit code and time.",
        ),
        _option("--no-color", is_flag=True, default=None, help="No colour (also: NO_COLOR)."),
    )
    return with_options(*options)(command)


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
            from deployster_cli.config import load  # noqa: PLC0415 - help and version need none

            self._settings = load(self._flags, os.environ, here())
        return self._settings

    @property
    def settings_here(self) -> Settings:
        """The settings of a run that works on this machine; InvalidInput where they name a server that is to do it."""
        if self.settings.server:
            from deployster_cli.commands.server_option import not_there  # noqa: PLC0415 - only with a server

            raise not_there(self.settings)
        return self.settings

    def engine(self) -> Engine:
        """The engine that the settings choose; InvalidInput where they name a server."""
        from deployster_cli.commands.host_keys import ask_here  # noqa: PLC0415 - help and version need none
        from deployster_cli.config import open_engine  # noqa: PLC0415

        ask_here()
        return open_engine(self.settings_here)

    def backend(self) -> Backend:
        """What this run asks, one for all of it: the engine of its settings, or the server that they name."""
        if self._backend is None:
            self._backend = self._remote() if self.settings.server else self._direct()
        return self._backend

    def _direct(self) -> Backend:
        from deployster_cli.direct import Direct  # noqa: PLC0415 - help and version need none

        return Direct(self.settings, self.engine, person)

    def _remote(self) -> Backend:
        from deployster_cli.commands.server_option import remote  # noqa: PLC0415 - only with a server

        return remote(self.settings)

    @property
    def output(self) -> Output:
        """How this run shows things."""
        from deployster_cli.views.output import Output  # noqa: PLC0415

        color = not (self._flags.get("no_color") or os.environ.get("NO_COLOR"))
        quiet, verbose = bool(self._flags.get("quiet")), bool(self._flags.get("verbose"))
        return Output(str(self._flags.get("output") or "table"), quiet, color, verbose)


def here() -> Path:
    """The working folder; InvalidInput where it is gone."""
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


def on_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return bool(sys.stdin and sys.stdin.isatty())


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on with something that destroys: asked on a terminal; off it, --yes must have said so."""
    if yes:
        return True
    if not on_terminal():
        raise click.UsageError(f"{question} Nobody is there to ask: give --yes.", click.get_current_context())
    with below_the_question():
        return click.confirm(_fit(f"{question} [y/N]:"), show_default=False, prompt_suffix=" ", err=True)


def _fit(question: str) -> str:
    from deployster_cli.views.folding import fit  # noqa: PLC0415 - help and version need none

    return fit(question, sys.stderr)


@contextlib.contextmanager
def below_the_question() -> Iterator[None]:
    """Where a question is answered with Ctrl-C, what is said of it begins a line of its own."""
    try:
        yield
    except click.Abort:
        click.echo(err=True)
        raise


def confirm_protected(run: Run, doing: str, *, yes: bool) -> None:
    """Have a change of a protected cluster confirmed: on a terminal by its name, off it by --yes.

    ``doing`` begins the question: "Deploying carousel 9f88701". DeploysterError where another name is typed.
    """
    settings = run.settings
    if yes or not settings.protected:
        return
    where = f"{doing} on {settings.place or UNNAMED}, a protected cluster."
    if not on_terminal():
        raise click.UsageError(f"{where} Nobody is there to ask: give --yes.", click.get_current_context())
    with below_the_question():
        asked = _fit(f"{where} Type its name to go on:")
        typed = click.prompt(asked, default="", show_default=False, prompt_suffix=" ", err=True)
    if typed.strip() != (settings.place or UNNAMED):
        raise DeploysterError("Not confirmed. Nothing was changed.")
