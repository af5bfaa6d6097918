"""The settings there are: one row a setting, with what its value must be. A new setting is one line here.

The same rows check deployster.toml, the variables, the flags and ``--set``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeGuard

from deployster_cli.domain import limits
from deployster_cli.domain.durations import parse_duration
from deployster_cli.domain.hooks import HOOK_NAMES
from deployster_cli.domain.templates.escaping import unwritable
from deployster_cli.domain.units.names import quoted
from deployster_cli.engines.base import TABLE
from deployster_cli.errors import InvalidInput

LONGEST_LIMIT = 3600
"""Seconds. A time limit longer than an hour is no limit."""


def one_line(value: object) -> TypeGuard[str]:
    """Whether ``value`` is text that can stand on one line of a unit file."""
    return isinstance(value, str) and not unwritable(value)


def fits_64_bits(value: int) -> bool:
    """Whether ``value`` is a whole number that every reader of TOML takes."""
    return -(1 << 63) <= value < 1 << 63


class Kind(NamedTuple):
    """A sort of value: ``wanted`` completes "must be …", ``accepts`` judges a TOML value.

    ``parse`` turns text (a variable, ``--set``) into the TOML value meant, or hands it back unread for ``accepts`` to
    refuse. ``convert`` makes an accepted value what Settings holds. ``path``: it is relative to the file's folder.
    ``hidden``: a refused value may have a secret in it, so it is not repeated.
    """

    wanted: str
    accepts: Callable[[object], bool]
    parse: Callable[[str], object] = str
    convert: Callable[[Any], object] = lambda value: value
    path: bool = False
    hidden: bool = False

    def fault(self, value: object) -> str:
        """Why ``value`` is refused ("must be a whole number …, not 'x'"), or nothing."""
        if self.accepts(value):
            return ""
        return f"must be {self.wanted}" if self.hidden else f"must be {self.wanted}, not {shown(value)}"


def shown(value: object) -> str:
    """A refused value, as it may be repeated in a sentence."""
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


def _fitting(wanted: str, fits: Callable[[str], bool]) -> Kind:
    """Text on one line that fits; an empty one is a setting that isn't set."""

    def accepts(value: object) -> bool:
        return one_line(value) and (not value or fits(value))

    return Kind(wanted, accepts)


def _matching(wanted: str, pattern: str) -> Kind:
    return _fitting(wanted, _whole_of(pattern))


def _whole_of(pattern: str) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(pattern, text))


def _address() -> Kind:
    host = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    wanted = "an address like https://deployster.example.com, no login in it"
    plain = _matching(wanted, rf"https?://{host}(?:/[\w.~/-]*)?")
    return plain._replace(convert=lambda url: url.rstrip("/"), hidden=True)


def _choice(*words: str) -> Kind:
    return Kind(" or ".join(quoted(word) for word in words), lambda value: value in words)


def _whole(least: int, most: int) -> Kind:
    def accepts(value: object) -> bool:
        return type(value) is int and least <= value <= most

    def parse(text: str) -> object:
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else text

    return Kind(f"a whole number from {least} to {most}", accepts, parse)


def _decimal(wanted: str, fits: Callable[[float], bool]) -> Kind:
    def accepts(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and fits(value)

    def parse(text: str) -> object:
        return float(text) if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text) else text

    return Kind(wanted, accepts, parse, float)


def _list(wanted: str, fits: Callable[[str], bool]) -> Kind:
    def accepts(value: object) -> bool:
        return isinstance(value, list) and all(one_line(item) and fits(item) for item in value)

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
PATH = Kind("a path", one_line, path=True)
UNIT_PATH = Kind("a path", one_line)
"""A path on the machine that the unit runs on, which is this one only with the local engine."""
PROGRAM = Kind("a program's name or path", one_line, path=True)
"""A path only where it has a ``/`` in it; a bare name is looked up in PATH."""
FLAG = Kind("true or false", lambda value: isinstance(value, bool), _yes_or_no)
LIMIT = Kind(
    "a time above 0, an hour at most (15, 90s, 5m)",
    lambda value: 0 < _seconds(value) <= LONGEST_LIMIT,
    convert=_seconds,
)
WORD = _matching("one word", r"[^\s-]\S*")
LINES = Kind(
    "a shell line or a list of them",
    lambda value: all(one_line(line) and str(line).strip() for line in _listed(value)),
    convert=lambda value: tuple(_listed(value)),
)

PROJECT: Mapping[str, Kind] = {
    "engine": _choice(*TABLE),
    "server": _address(),
    "server_ca": PATH,
    "templates": PATH,
    "docker_hub_username": _matching(
        "a Docker Hub user (lower-case letters and digits, with . _ - between)", r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
    ),
    "registry_url": _matching(
        "HOST[:PORT][/PATH] without https://",
        r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*",
    ),
}

FLEET: Mapping[str, Kind] = {
    "fleetctl": PROGRAM,
    "endpoint": WORD,
    "tunnel": WORD,
    "ssh_username": WORD,
    "ssh_timeout": LIMIT,
    "strict_host_key_checking": FLAG,
    "known_hosts_file": PATH,
    "ca_file": PATH,
    "cert_file": PATH,
    "key_file": PATH,
    "read_timeout": LIMIT,
    "write_timeout": LIMIT,
}

LOCAL: Mapping[str, Kind] = {
    "manager": _choice("auto", "system", "user", "supervisor", "systemctl3"),
    "root": PATH,
    "read_timeout": LIMIT,
    "write_timeout": LIMIT,
}

SERVICE: Mapping[str, Kind] = {
    "template": _matching("a template's name", r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    "instances": _whole(1, limits.MOST_AT_ONCE),
    "port": _whole(1, limits.HIGHEST_PORT),
    "health": _fitting("a path that begins with /, without spaces", limits.fits_health),
    "command": TEXT,
    "directory": UNIT_PATH,
    "volumes": _list("[SOURCE:]/TARGET[:OPTIONS]", _whole_of(r"(?:[^:]+:)?/[^:]*(?::[A-Za-z,]+)?")),
    "env_file": UNIT_PATH,
    "machine_metadata": _list("KEY=VALUE", limits.fits_metadata),
    "conflicts": FLAG,
    "memory": _fitting("a number of bytes, or one with k, m or g behind it, 6m at least (512m)", limits.fits_memory),
    "cpu": _decimal(f"a number of processors from {limits.LEAST_CPU} to {limits.MOST_CPU} (0.5)", limits.fits_cpu),
    "restart": _choice(*limits.RESTARTS),
    "global": FLAG,
    "secrets": _list("a variable's NAME", _whole_of(limits.VARIABLE.pattern)),
}
"""``env`` and ``set`` stand beside these: their keys are the user's own."""

FIELDS: Mapping[str, str] = {"global": "global_"}
"""Setting → Service's name for it, where that differs: Python keeps the word for itself."""

BESIDE: Mapping[str, Kind] = {"before_deploy": LINES}
"""What a service has that is for its deploys and not for its unit files."""

HOOKS: Mapping[str, Kind] = {**dict.fromkeys(HOOK_NAMES, LINES), "timeout": LIMIT}

PLACE: Mapping[str, Kind] = {"protected": FLAG}
"""What is said of one cluster and holds for no other: at the head of the file it is about runs that name no cluster."""

SERVE: Mapping[str, Kind] = {
    "listen": _matching(
        "HOST:PORT, :PORT for every address, [HOST]:PORT for IPv6", r"(?:\[[^\]\s]+\]|[^:\s]*):[0-9]{1,5}"
    ),
    "username": _matching("a name without colons", r"[^:]+"),
    "password": Kind("text on one line", one_line, hidden=True),
    "password_file": PATH,
    "cert": PATH,
    "key": PATH,
    "state": PATH,
}

TABLES: Mapping[str, Mapping[str, Kind]] = {"fleet": FLEET, "local": LOCAL, "serve": SERVE}
"""The tables of options that variables and flags can give too."""

FILE_TABLES: Mapping[str, Mapping[str, Kind]] = {**TABLES, "hooks": HOOKS}
