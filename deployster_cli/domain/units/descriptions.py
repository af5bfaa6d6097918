"""Descriptions of our units: all that fleet lists of a unit's content, so they say which unit of ours it is.

Each ends in the unit's title, then its port where it has one: ``carousel 9f88701 instance 1 port 20001``; or, behind
the words of a template that has its own, ``The web (carousel 9f88701 instance 1) port 20001``. That is a sign and no
proof: anybody can write it. The stamp in the unit file decides.
"""

from __future__ import annotations

from deployster_cli.domain.limits import HIGHEST_PORT
from deployster_cli.domain.units.names import UnitName

_LONGEST_PORT = len(str(HIGHEST_PORT))


def describe(text: str, name: UnitName, port: int | None) -> str:
    """Return the Description of our unit of this name; ``text`` is its template's, empty where that has none."""
    ending = "" if port is None else f" port {port}"
    text = text.removesuffix(ending)
    if not text.endswith(name.title):
        text = f"{text} ({name.title})" if text else name.title
    return text + ending


def read(description: str, name: UnitName) -> tuple[bool, int | None]:
    """Whether it reads as one of our unit of this very name, and the port at its end."""
    text, found, number = description.rpartition(" port ")
    port = int(number) if found and len(number) <= _LONGEST_PORT and number.isascii() and number.isdecimal() else 0
    if not 1 <= port <= HIGHEST_PORT:
        return _titled(description, name), None
    return _titled(text, name), port


def own_words(description: str, name: UnitName) -> str:
    """Return the same Description without the title that was put behind a template's words, as version 1.0
    left it out.
    """
    return description.replace(f" ({name.title})", "", 1)


def _titled(text: str, name: UnitName) -> bool:
    return text.endswith((name.title, f"({name.title})"))
