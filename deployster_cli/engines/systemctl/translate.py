"""A unit file as systemctl3 must be told it, so that it runs what systemd would run. Pure.

systemctl3 (1.7) takes some things differently: it moves WorkingDirectory below its root, knows no escapes in
Environment, puts ``$NAME`` in as text before it parses quotes, knows no ``$$``, and takes ``\\`` in quotes as a shell
does. The rules that count are those of systemd.service(5), "Command lines", and systemd.exec(5), "Environment".
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Collection, Mapping

from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.errors import EngineError

VARIABLES = {"DEPLOYSTER_DOLLAR": "$", "DEPLOYSTER_NEWLINE": "\n", "DEPLOYSTER_RETURN": "\r"}
"""What systemctl3 can't be given otherwise: it reads ``${…}`` last and just once, so what these hold stays as it is."""

_PATHS = ("WorkingDirectory", "PIDFile")
_COMMANDS = ("ExecStartPre", "ExecStart", "ExecStartPost", "ExecStop", "ExecStopPost", "ExecReload")

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_CODED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})")
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)")
_UNITS = {"us": 1e-6, "ms": 1e-3, "m": 60.0, "min": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0}
_PLAIN_VARIABLE = re.compile(r"\$(\w+)")
_KEPT_AS_IT_IS = re.compile(r"[$\n\r]")
_NO_VARIABLE = re.compile(r"\$\$|\$(?!\{\w+\})|[\n\r]")


def overrides(file: UnitFile, without: Collection[str] = ()) -> str:
    """The drop-in for a unit: paths that stay where they are, commands in systemctl3's quoting, no environment of its
    own (that is ``environment``'s, and it is inherited). The options ``without`` are emptied.
    """
    lines = ["[Service]", "Environment=", "EnvironmentFile="]
    for option in _PATHS:
        path = file.last("Service", option)
        if path:
            lines += [f"{option}=", f"{option}={_unmoved(path)}"]
    for option in _COMMANDS:
        given = _since_reset(file.values("Service", option))
        lines.append(f"{option}=")
        if option not in without:
            lines += [f"{option}={line}" for value in given for line in _commands(value)]
    return "\n".join(lines) + "\n"


def _since_reset(values: tuple[str, ...]) -> tuple[str, ...]:
    """The values that count: an empty one takes back all before it."""
    empty = [at for at, value in enumerate(values) if not value]
    return values[empty[-1] + 1 :] if empty else values


def _unmoved(path: str) -> str:
    """systemctl3 puts its root in front of ``/x`` and leaves ``//x`` alone."""
    optional, path = ("-", path[1:]) if path.startswith("-") else ("", path)
    return f"{optional}/{path}" if path.startswith("/") and not path.startswith("//") else optional + path


def _commands(value: str) -> list[str]:
    """One Exec option as lines for systemctl3, one a command: a ``;`` that stands alone parts them."""
    prefix = re.match(r"[-+!@:|]*", value)
    flags = prefix.group() if prefix else ""
    kept, literal = flags.replace(":", ""), ":" in flags
    parts: list[list[str]] = [[]]
    for raw, word in words(value[len(flags) :]):
        if raw == ";":
            parts.append([])
        else:
            parts[-1].append(_requoted(word, literal=literal))
    return [kept + " ".join(part) for part in parts if part]


def _requoted(word: str, *, literal: bool) -> str:
    """One word: ``$NAME`` alone stays (it is split at spaces), ``${NAME}`` stays, any other dollar is made literal."""
    if not literal and _PLAIN_VARIABLE.fullmatch(word):
        return word
    return shlex.quote((_KEPT_AS_IT_IS if literal else _NO_VARIABLE).sub(_variable, word))


def _variable(found: re.Match[str]) -> str:
    """``${…}`` for what was found: ``$`` and ``$$`` both are one dollar where this is asked."""
    return next(f"${{{name}}}" for name, text in VARIABLES.items() if text == found.group()[0])


def words(text: str) -> list[tuple[str, str]]:
    """(as written, as meant) of each word of a command line, with systemd's quotes and C escapes taken away."""
    found: list[tuple[str, str]] = []
    at, start, word, quote, inside = 0, 0, "", "", False
    while at < len(text):
        char = text[at]
        step = 1
        if char == "\\":
            meant, step = _escape(text[at + 1 :])
            word, inside = word + meant, True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "\"'":
            quote, inside = char, True
        elif char.isspace():
            if inside:
                found.append((text[start:at], word))
            word, inside, start = "", False, at + 1
        else:
            word, inside = word + char, True
        at += step
    return [*found, (text[start:], word)] if inside else found


def _escape(rest: str) -> tuple[str, int]:
    """What a backslash before ``rest`` means, and how many characters it takes with it; an unknown one stays."""
    coded = _CODED.match(rest)
    if coded:
        value = int(coded.group(4), 8) if coded.group(4) else int(next(filter(None, coded.groups()[:3])), 16)
        return chr(value), 1 + coded.end()
    if rest[:1] in _SIMPLE:
        return _SIMPLE[rest[0]], 2
    return (rest[:1], 2) if rest[:1] in set("\\\"'; ") else ("\\" + rest[:1], 1 + len(rest[:1]))


def environment(file: UnitFile, base: Mapping[str, str], read: Callable[[str], str | None]) -> dict[str, str]:
    """The variables that the unit sets, by Environment and then EnvironmentFile; ``read`` gives a file's text or None.
    EngineError where a file is missing that may not be.
    """
    found: dict[str, str] = {}
    for value in _since_reset(file.values("Service", "Environment")):
        pairs = (specified(word, file, base).partition("=") for _, word in words(value))
        found |= {name: text for name, equals, text in pairs if equals}
    for value in _since_reset(file.values("Service", "EnvironmentFile")):
        path = specified(value.removeprefix("-"), file, base)
        text = read(path)
        if text is None and not value.startswith("-"):
            raise EngineError(f"the environment file {path} can't be read")
        found |= variables(text or "")
    return found


def specified(text: str, file: UnitFile, base: Mapping[str, str]) -> str:
    """``text`` with systemd's specifiers filled in, those of names and of the home folder; others stay as they are."""
    prefix, _, rest = file.name.text.partition("@")
    instance, stem = rest.removesuffix(".service"), file.name.text.removesuffix(".service")
    known = {"%": "%", "i": instance, "I": instance, "n": file.name.text, "N": stem, "p": prefix}
    known["h"] = base.get("HOME", "")
    return re.sub(r"%(.)", lambda found: known.get(found.group(1), found.group()), text)


def variables(text: str) -> dict[str, str]:
    """What an EnvironmentFile sets: NAME=value lines, quotes around a value taken away, # and ; lines left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def seconds(span: str, *, default: float) -> float:
    """A time span of systemd's (``90``, ``1min 30s``) in seconds; ``infinity`` for 0 and infinity, as for a limit."""
    parts = _SPAN.findall(span)
    if not parts:
        return math.inf if span.strip() == "infinity" else default
    return sum(float(number) * _UNITS.get(unit, 1.0) for number, unit in parts) or math.inf
