"""A listing that is looked at again and again: in place on a terminal, else a block whenever it has changed."""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from deployster_cli.operations.watch import Look
from deployster_cli.views.output import Listing, Output, emit, is_terminal
from deployster_cli.views.tables import aligned, plain

T = TypeVar("T")


def watch(output: Output, looks: Iterator[Look[T]], listing: Callable[[T], Listing], title: str) -> None:
    """Show every look until it is interrupted, or until nobody reads any more.

    With -v never in place: the lines about the calls would go right through the table.
    """
    if output.form in {"table", "wide"} and is_terminal(sys.stdout) and not output.verbose:
        from deployster_cli.views.terminal.watch import draw  # noqa: PLC0415 - rich is slow to import

        draw(looks, listing, title, color=output.color)
    else:
        _blocks(output, looks, listing)


def _blocks(output: Output, looks: Iterator[Look[T]], listing: Callable[[T], Listing]) -> None:
    shown, away = "", False
    for look in looks:
        if bool(look.away) != away:
            away = bool(look.away)
            output.note(f"{look.at} {look.away or 'The engine answers again.'}")
        if _abandoned(sys.stdout):
            return
        text = _text(output.form, listing(look.what))
        if text != shown and not emit(f"{look.at}\n{text}" if output.form in {"table", "wide"} else text, sys.stdout):
            return
        shown = text


def _abandoned(stream: IO[str] | None) -> bool:
    """Whether the reader at a pipe's other end has gone, which no write has told yet as nothing has changed."""
    poll = select.poll()
    try:
        poll.register(stream.fileno() if stream else -1, 0)
        return bool(poll.poll(0))
    except (OSError, ValueError, OverflowError):
        return False


def _text(form: str, listing: Listing) -> str:
    """One block: JSON on one line, else the rows and an empty line."""
    if form == "json":
        return json.dumps(listing.json(), ensure_ascii=False) + "\n"
    if form == "plain":
        return plain(listing.plain()) + "\n"
    rows = listing.rows()
    return (aligned(listing.columns, rows) if rows else f"{listing.empty}\n") + "\n"
