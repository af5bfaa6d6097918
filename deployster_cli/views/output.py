"""Where results go: to stdout, in the form that was asked for; notes go to stderr.

A reader that goes away (``| head``) has read what it wanted: not an error, and never a reason to abandon a rollout.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

from deployster_cli.domain.units.names import printable
from deployster_cli.errors import DeploysterError
from deployster_cli.views import text as clean
from deployster_cli.views.text import Row, aligned, fit, plain


class Listing(NamedTuple):
    """A table in all its forms, each worked out when it is asked for. ``empty`` is said in place of no rows;
    ``by`` is how many of the first columns name the group that a row belongs to.
    """

    columns: Row
    rows: Callable[[], Sequence[Row]]
    plain: Callable[[], Sequence[Row]]
    json: Callable[[], object]
    empty: str = ""
    by: int = 0


class Output(NamedTuple):
    """How this run shows things. ``form`` is table, wide, plain or json; ``verbose``: calls are shown on stderr."""

    form: str = "table"
    quiet: bool = False
    color: bool = True
    verbose: bool = False

    def table(
        self, columns: Row, rows: Sequence[Row], *, empty: str = "", by: int = 0, announced: bool = False
    ) -> None:
        """Rows for people; with none ``empty`` is said on stderr. On a terminal the first ``by`` cells of
        a row are left out where they repeat those of the row above. ``announced``: on stderr (not with -q).
        """
        stream = sys.stderr if announced else sys.stdout
        if not rows and empty:
            self.note(empty)
        elif announced and self.quiet:
            return
        elif is_terminal(stream):
            from deployster_cli.views.terminal.tables import print_table  # rich is slow to import

            shown = [tuple(map(clean.printable, row)) for row in rows]
            print_table(columns, shown, by=by, color=self.color, stderr=announced)
        else:
            emit(aligned(columns, rows), stream)

    def plain(self, rows: Sequence[Row]) -> None:
        """Rows for programs."""
        self.text(plain(rows))

    def json(self, value: object) -> None:
        """One JSON value; for a program on one line, which takes a third of the time of indented ones."""
        import json  # only -o json needs it

        indent = 2 if is_terminal(sys.stdout) else None
        self.text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")

    def text(self, text: str) -> None:
        """Text as it is, on stdout; on a terminal without what would change that: a cluster may have said it."""
        emit(clean.lines(text) if is_terminal(sys.stdout) else text, sys.stdout)

    def say(self, text: str) -> None:
        """Sentences on stdout; on a terminal what is too long goes on below, parted between words."""
        self.text(fit(text, sys.stdout))

    def note(self, text: str) -> None:
        """Show a message on stderr (not with -q)."""
        if not self.quiet:
            tell(fit(clean.lines(text), sys.stderr) + "\n")

    def call(self, argv: Sequence[str], code: int | None, seconds: float) -> None:
        """One call that an engine made, on stderr; what may be a password in an address is left out."""
        import shlex  # only with -v

        from deployster_cli.domain.templates.secrets import without_login

        ended = "timed out" if code is None else f"exit {code}"
        self._made(f"$ {without_login(shlex.join(argv))}  {ended}  {seconds:.3f}s")

    def request(self, method: str, path: str, status: int | None, seconds: float) -> None:
        """One request to a server, on stderr, where calls are shown."""
        if self.verbose:
            self._made(f"> {method} {path}  {status or 'no answer'}  {seconds:.3f}s")

    def _made(self, line: str) -> None:
        line = printable(line)
        dim = self.color and is_terminal(sys.stderr)
        tell(f"\x1b[2m{line}\x1b[0m\n" if dim else f"{line}\n")

    def show(
        self, *, json: Callable[[], object], table: Callable[[], None], plain: Callable[[], Sequence[Row]]
    ) -> None:
        """One result in the form that was asked for; only that form is worked out."""
        if self.form == "json":
            self.json(json())
        elif self.form == "plain":
            self.plain(plain())
        else:
            table()

    def listing(self, listing: Listing) -> None:
        """Show a listing in the form that was asked for."""
        self.show(
            json=listing.json,
            table=lambda: self.table(listing.columns, listing.rows(), empty=listing.empty, by=listing.by),
            plain=listing.plain,
        )


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person sees what is written there."""
    return stream is not None and not stream.closed and stream.isatty() and os.environ.get("TERM") != "dumb"


def emit(text: str, stream: IO[str] | None) -> bool:
    """Write and flush; whether somebody may still read it. A closed stream swallows it; DeploysterError: disk full."""
    if stream is None or stream.closed:
        return False
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
        return False
    except UnicodeEncodeError:
        return emit(text.encode("ascii", "backslashreplace").decode(), stream)
    except OSError as error:
        _silence(stream)
        raise DeploysterError(f"The output can't be written: {error.strerror}.") from error
    return True


def tell(text: str) -> None:
    """Write to stderr. What can't be written is lost: that is not a reason to abandon a rollout."""
    with contextlib.suppress(DeploysterError):
        emit(text, sys.stderr)


def _silence(stream: IO[str]) -> None:
    """Send whatever comes after a failed write to nowhere, so that no later flush fails again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
