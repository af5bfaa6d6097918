"""The program: a click group that imports a command when it runs, and the one place that makes errors exit codes."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import click

from deployster_cli import __version__
from deployster_cli.cli.group import cli
from deployster_cli.domain.units.names import printable
from deployster_cli.errors import EXIT_DONE, EXIT_FAILED, EXIT_FAULT, DeploysterError

if TYPE_CHECKING:
    pass


# What click's own printing, of help and version, can fail with.
_OUTPUT_FAULTS = {errno.ENOSPC, errno.EIO, errno.EBADF}


# New objects until the garbage collector looks again: what a short run imports and reads all stays, and is a lot.
_COLLECT_AFTER = 10_000


class Terminated(KeyboardInterrupt):
    """SIGTERM, or the SIGHUP of a terminal that is closed: the same as Ctrl-C, with another exit code."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.signal = number


# Set once it is being said how the run ended: what comes now changes nothing any more.
_ENDING = threading.Event()


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
        from deployster_cli.cli.completion.complete import answer  # only for the TAB key

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
    """Return a usage error in click's words, and where the help is."""
    context = getattr(error, "ctx", None)
    hint = f"See {context.command_path} --help." if context else ""
    if isinstance(error, click.NoSuchOption) and error.option_name == "--force":
        hint = f"Since 2.0 it is --recreate, --accept-changes or --overwrite. {hint}"
    _say("Error", error.format_message(), hint)
    return error.exit_code


def _say(kind: str, message: str, hint: str = "") -> None:
    """Tell how it ended, on stderr; where GitHub Actions reads it, as an annotation."""
    lines = [f"{kind}: {message}" if kind else message, *([hint] if hint else [])]
    lines = [printable(line) for line in lines]
    text = "\n".join(map(_shown, lines))
    if kind and os.environ.get("GITHUB_ACTIONS") == "true":
        from deployster_cli.views.progress import command  # only where its runner reads it

        text = command("error", "\n".join(lines).removeprefix(f"{kind}: "))
    try:
        click.echo(text, err=True)
    except OSError:
        """Nobody listens any more; the exit code says it all."""


def _shown(line: str) -> str:
    """Return the line as it is, or on a terminal parted between words."""
    if not (sys.stderr and sys.stderr.isatty()):
        return line
    from deployster_cli.views.text import fit  # only where somebody reads it

    return fit(line, sys.stderr)


def _fault(error: BaseException) -> int:
    """Return a fault of ours: the traceback goes to a file, to be sent with a report."""
    import tempfile  # only when it has come to this
    import traceback

    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="deployster-", suffix=".txt", delete=False) as file:
            file.write(f"deployster {__version__}, Python {sys.version}, {os.name}\n{text}")
        where = file.name
    except OSError as unwritable:
        where = f"nowhere ({unwritable.strerror})"
    _say("Error", f"internal error: {type(error).__name__}. Its traceback is in {where}.")
    return EXIT_FAULT
