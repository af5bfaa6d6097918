"""Bodies that come bit by bit: lines, and server-sent events made of lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deployster_cli.remote.refusals import NotAServer

LONGEST = 4 * 1024 * 1024
"""Bytes of one line. An event with a journal in it is a few thousand."""

_HEADER = re.compile("[!-~]*")
"""What an id may be made of: it goes back in a header."""


@dataclass(slots=True)
class Told:
    """One server-sent event, as far as its lines have come."""

    event: str = "message"
    id: str = ""
    data: list[str] = field(default_factory=list)

    @property
    def json(self) -> object:
        """The data as JSON; None where it is none."""
        try:
            return json.loads("\n".join(self.data))
        except (ValueError, RecursionError):
            return None


def lines(parts: Iterable[bytes]) -> Iterator[str]:
    """The lines in a body's parts, without their ends; a last one without an end counts too.

    Only ``\\n`` ends a line: what str.splitlines takes for an end may stand in a journal.
    """
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST:
            raise NotAServer(f"The server's answer can't be read: a line of more than {LONGEST:,} bytes.")
        yield from (line.decode(errors="replace").removesuffix("\r") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def events(of: Iterable[str]) -> Iterator[Told | None]:
    """The events that lines make, as the HTML standard's "server-sent events" has them.

    None for every line that ends no event, comments too: each is a sign of life.
    """
    told = Told()
    for line in of:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield told if told.data else None
            told = Told(id=told.id)
            continue
        if name == "data":
            told.data.append(value)
        elif name == "event":
            told.event = value
        elif name == "id" and _HEADER.fullmatch(value):
            told.id = value
        yield None
