"""Kinds of values that a setting can have: what is accepted, how text becomes one, and what a refusal says. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from deployster_cli.domain.durations import parse_duration
from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import InvalidInput

# Seconds. Longer than an hour is not a useful time limit.
LONGEST_LIMIT = 3600


def one_line(value: object) -> bool:
    """Whether ``value`` is text that can stand on one line of a unit file."""
    from deployster_cli.domain.templates.escaping import unwritable  # declarations alone need it not

    return isinstance(value, str) and not unwritable(value)


def fits_64_bits(value: int) -> bool:
    """Whether ``value`` is a whole number that every reader of TOML takes."""
    return -(1 << 63) <= value < 1 << 63


class Kind(NamedTuple):
    """A sort of value: ``wanted`` completes "must be …", ``accepts`` judges a TOML value.

    ``parse`` turns text (a variable, ``--set``) into the TOML value meant, or hands it back unread for ``accepts`` to
    refuse. ``convert`` makes an accepted value what Settings holds. ``anchor`` makes the paths in that absolute, by a
    function that it is given too: they are relative to the file's folder. ``hidden``: a refused value may have a secret
    in it, so it is not repeated. ``flaw`` says of a refused value what is wrong with it ("must not …") where it knows
    more than ``wanted`` does; else it is empty.
    """

    wanted: str
    accepts: Callable[[object], bool]
    parse: Callable[[str], object] = str
    convert: Callable[[Any], object] = lambda value: value
    anchor: Callable[[Any, Callable[[str], str]], object] = lambda value, _: value
    hidden: bool = False
    flaw: Callable[[object], str] = lambda _: ""

    def fault(self, value: object) -> str:
        """Why ``value`` is refused ("must be a whole number …, not 'x'"), or nothing."""
        if self.accepts(value):
            return ""
        if flaw := self.flaw(value):
            return flaw
        return f"must be {self.wanted}" if self.hidden else f"must be {self.wanted}, not {shown(value)}"


def shown(value: object) -> str:
    """Return a refused value, as it may be repeated in a sentence."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return quoted(_digits(value)).strip("'")
    if isinstance(value, list):
        return quoted(", ".join(value)) if value and all(isinstance(item, str) for item in value) else "a list"
    return "a table" if isinstance(value, dict) else "a date or time"


def _digits(value: float) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no more than 4300 of them
        return f"{value:#x}"


def fitting(wanted: str, fits: Callable[[str], bool]) -> Kind:
    """Text on one line that fits; an empty one is a setting that isn't set."""

    def accepts(value: object) -> bool:
        return isinstance(value, str) and one_line(value) and (not value or fits(value))

    return Kind(wanted, accepts)


def matching(wanted: str, pattern: str) -> Kind:
    """Text on one line that a pattern matches as a whole; empty as for fitting."""
    return fitting(wanted, whole_of(pattern))


def whole_of(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a pattern as a whole."""
    return lambda text: bool(re.fullmatch(pattern, text))


def address() -> Kind:
    """Return an address of HTTP without a login."""
    host = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    wanted = "an address like https://deployster.example.com, no login in it"
    plain = matching(wanted, rf"https?://{host}(?:/[\w.~/-]*)?")
    return plain._replace(convert=lambda url: url.rstrip("/"), hidden=True)


def choice(*words: str) -> Kind:
    """One of these words."""
    return Kind(" or ".join(quoted(word) for word in words), lambda value: value in words)


def whole_number(least: int, most: int) -> Kind:
    """Return a whole number of that range."""

    def accepts(value: object) -> bool:
        return type(value) is int and least <= value <= most

    def parse(text: str) -> object:
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else text

    return Kind(f"a whole number from {least} to {most}", accepts, parse)


def decimal(wanted: str, fits: Callable[[float], bool]) -> Kind:
    """Return a number that fits."""

    def accepts(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and fits(value)

    def parse(text: str) -> object:
        return float(text) if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text) else text

    return Kind(wanted, accepts, parse, float)


def list_of(wanted: str, fits: Callable[[str], bool]) -> Kind:
    """Return a list of texts on one line that fit; as text, with commas between."""

    def accepts(value: object) -> bool:
        return isinstance(value, list | tuple) and all(one_line(item) and fits(item) for item in value)

    def parse(text: str) -> object:
        return [item.strip() for item in text.split(",")] if text else []

    return Kind(f"a list of {wanted}", accepts, parse, tuple)


def _seconds(value: object) -> float:
    """Seconds in a number or in a duration's text; nan for what is neither, which no comparison accepts."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return parse_duration(value) if isinstance(value, str) else float(value)
    except (InvalidInput, OverflowError):
        return math.nan


def _yes_or_no(text: str) -> object:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return words.get(text.lower(), text)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


TEXT = Kind("text on one line", one_line)
PATH = Kind("a path", one_line, anchor=lambda path, resolved: resolved(path))

# A path on the machine that the unit runs on, which is this one only with the local engine.
UNIT_PATH = Kind("a path", one_line)

# A path only where it has a ``/`` in it; a bare name is looked up in PATH.
PROGRAM = Kind(
    "a program's name or path", one_line, anchor=lambda name, resolved: resolved(name) if "/" in name else name
)
FLAG = Kind("true or false", lambda value: isinstance(value, bool), _yes_or_no)
LIMIT = Kind(
    "a time above 0, an hour at most (15, 90s, 5m)",
    lambda value: 0 < _seconds(value) <= LONGEST_LIMIT,
    convert=_seconds,
)
WORD = matching("one word", r"[^\s-]\S*")
LINES = Kind(
    "a shell line or a list of them",
    lambda value: all(one_line(line) and str(line).strip() for line in _listed(value)),
    convert=lambda value: tuple(_listed(value)),
)


def user_folder(environ: Mapping[str, str], variable: str, usual: str) -> str:
    """Return a folder of the user's by the XDG base directories: what ``variable`` says, else ``usual`` in their home.

    Empty where neither is known: a relative path in the variable doesn't count.
    """
    folder, home = environ.get(variable, ""), environ.get("HOME", "")
    if folder.startswith("/"):
        return folder
    return f"{home}/{usual}" if home.startswith("/") else ""


def state_folder(environ: Mapping[str, str], whose: str) -> str:
    """Where the local engine or the server (``whose``) keeps things by default; empty without a home."""
    state = user_folder(environ, "XDG_STATE_HOME", ".local/state")
    return f"{state}/deployster/{whose}" if state else ""
