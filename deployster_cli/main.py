"""The program: a click group that imports a command when it runs, and the one place that makes errors exit codes."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import click

from deployster_cli import __version__
from deployster_cli.commands.helping import COMMAND_GROUPS, grouped, write_groups
from deployster_cli.commands.shared import shared_options
from deployster_cli.errors import EXIT_DONE, EXIT_FAILED, EXIT_FAULT, DeploysterError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "deploy": "Start a version of a service, and with --destroy-previous retire every earlier one.",
    "plan": "Show what deploy would do; changes nothing.",
    "destroy": "Stop and destroy a version of a service.",
    "rollback": "Go back to the release before, or to a version.",
    "scale": "More or fewer instances of the newest release.",
    "task": "Run a command once with a release; its exit code is ours.",
    "restart": "Replace every instance by a fresh one, without a gap.",
    "units": "Every unit with its version, instance, state and machine.",
    "services": "One line a release: how many instances of it run, and where.",
    "logs": "The journals of all instances together, also as they come.",
    "ssh": "A shell, or a command, on the machine of an instance.",
    "history": "The releases of a service, newest first.",
    "diff": "How a version's unit file would differ from the one that runs.",
    "render": "Print the unit file that deploy would start.",
    "templates": "List the unit templates, or print one.",
    "serve": "Serve the same operations over HTTP, and a page to watch them on.",
    "config": "Show every setting and where it came from.",
    "init": "Write a deployster.toml, a template and a Makefile fragment to begin with.",
    "unlock": "Take away the lock that another run holds on a service.",
    "check": "Find what is wrong with the setup, and say how to mend it.",
    "completion": "Have the TAB key complete commands, options and live names.",
}
"""Command → what it does. Each is ``cli`` in the module deployster_cli.commands.NAME."""


class Commands(click.Group):
    """Knows every command by name and imports the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"deployster_cli.commands.{cmd_name}").cli
        assert isinstance(command, click.Command)  # noqa: S101 - a slip of ours  # nosec B101
        if ctx.resilient_parsing:
            from deployster_cli.commands.completing import with_names  # noqa: PLC0415 - only for the TAB key

            with_names(command)
        return grouped(command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands from the table: none is imported for it. Then the options."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for the TAB key

        names = [CompletionItem(name, help=does) for name, does in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest right name where there is no such command."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            from deployster_cli.domain.wording import did_you_mean  # noqa: PLC0415 - only for a wrong name

            ctx.fail(f"There is no command {name!a}.{did_you_mean(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands before the options, which fill a screen."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, from the table: no command is imported for it."""
        write_groups(formatter, {name: (name, does) for name, does in COMMANDS.items()}, COMMAND_GROUPS)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deployster", message="%(prog)s %(version)s")
@shared_options
def cli() -> None:
    """Put a version of a service into production on a fleet cluster, or on this machine.

    \b
    deployster deploy carousel 9f88701 --destroy-previous
    deployster units carousel --watch
    deployster rollback carousel
    """


_OUTPUT_FAULTS = {errno.ENOSPC, errno.EIO, errno.EBADF}
"""What click's own printing, of help and version, can fail with."""


_COLLECT_AFTER = 10_000
"""New objects until the garbage collector looks again: what a short run imports and reads all stays, and is a lot."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, or the SIGHUP of a terminal that is closed: the same as Ctrl-C, with another exit code."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.signal = number


_ENDING = threading.Event()
"""Set once it is being said how the run ended: what comes now changes nothing any more."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _ENDING.is_set():
        signal.default_int_handler(number, frame)


def _terminate(number: int, _: FrameType | None) -> None:
    if _ENDING.is_set():
        return
    if number == signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)  # the shell sends another one: that must not stop the tidying up
    raise Terminated(number)


def _heed_signals() -> None:
    """End in order at Ctrl-C and SIGTERM, and at SIGHUP but for nohup's programs."""
    signal.signal(signal.SIGTERM, _terminate)
    for number, heed in ((signal.SIGINT, _interrupt), (signal.SIGHUP, _terminate)):
        if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
            signal.signal(number, heed)


def _heed_no_more() -> None:
    """All is done and said: what comes now may end it as it ends any program."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """Run the command line and exit with its code; whatever happens, nobody sees a traceback."""
    gc.set_threshold(_COLLECT_AFTER)
    atexit.register(gc.freeze)  # else Python looks through all of it once more on its way out
    if shell := os.environ.get("_DEPLOYSTER_COMPLETE"):
        from deployster_cli.commands.completing import answer  # noqa: PLC0415 - only for the TAB key

        answer(cli, shell, sys.argv[1:])
        return
    _heed_signals()
    code = run(sys.argv[1:])
    _heed_no_more()
    out, err = _flushed(sys.stdout), _flushed(sys.stderr)
    if not (out and err):
        os._exit(code or (EXIT_DONE if out else EXIT_FAILED))  # else Python tries once more, and ends with its own 120
    sys.exit(code)


def _flushed(stream: TextIO | None) -> bool:
    """Whether it took all that was left for it."""
    try:
        if stream:
            stream.flush()
    except OSError:
        return False
    return True


def run(argv: list[str]) -> int:
    """Run one command line; its exit code."""
    try:
        done = cli.main(argv, prog_name="deployster", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # one more, before it was known that it is ending
                return _ended_by(error)
    return done if isinstance(done, int) else EXIT_DONE


def _ended_by(error: BaseException) -> int:
    """Say what ended the run; its exit code."""
    _ENDING.set()
    match error:
        case DeploysterError():
            _say("Error", error.message, error.hint)
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            _say("", "Interrupted.")
            return 128 + int(getattr(error.__cause__ or error, "signal", signal.SIGINT))
        case click.exceptions.NoArgsIsHelpError() if error.ctx:
            click.echo(error.ctx.get_help())
            return EXIT_DONE
        case click.ClickException():
            return _usage(error)
        case OSError() if error.errno in _OUTPUT_FAULTS:
            _say("Error", f"The output can't be written: {error.strerror}.")
            return EXIT_FAILED
        case _:
            return _fault(error)


def _usage(error: click.ClickException) -> int:
    """A usage error in click's words, and where the help is."""
    context = getattr(error, "ctx", None)
    _say("Error", error.format_message(), f"See {context.command_path} --help." if context else "")
    return error.exit_code


def _say(kind: str, message: str, hint: str = "") -> None:
    """Tell how it ended, on stderr; where GitHub Actions reads it, as an annotation."""
    lines = [f"{kind}: {message}" if kind else message, *([hint] if hint else [])]
    lines = ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines]
    text = "\n".join(map(_shown, lines))
    if kind and os.environ.get("GITHUB_ACTIONS") == "true":
        from deployster_cli.views.actions import command  # noqa: PLC0415 - only where its runner reads it

        text = command("error", "\n".join(lines).removeprefix(f"{kind}: "))
    try:
        click.echo(text, err=True)
    except OSError:
        """Nobody listens any more; the exit code says it all."""


def _shown(line: str) -> str:
    """The line as it is, or on a terminal parted between words."""
    if not (sys.stderr and sys.stderr.isatty()):
        return line
    from deployster_cli.views.folding import fit  # noqa: PLC0415 - only where somebody reads it

    return fit(line, sys.stderr)


def _fault(error: BaseException) -> int:
    """A fault of ours: the traceback goes to a file for whoever mends it."""
    import tempfile  # noqa: PLC0415 - only when it has come to this
    import traceback  # noqa: PLC0415

    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="deployster-", suffix=".txt", delete=False) as file:
            file.write(f"deployster {__version__}, Python {sys.version}, {os.name}\n{text}")
        where = file.name
    except OSError as unwritable:
        where = f"nowhere ({unwritable.strerror})"
    _say("Error", f"a fault in deployster itself: {type(error).__name__}. Its traceback is in {where}.")
    return EXIT_FAULT
