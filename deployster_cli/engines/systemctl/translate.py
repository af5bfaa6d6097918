"""A unit file as systemctl3 must be told it, so that it runs what systemd would run. Pure.

systemctl3 (1.7) takes some things differently: it moves WorkingDirectory below its root, knows no escapes in
Environment, puts ``$NAME`` in as text before it parses quotes, knows no ``$$``, and takes ``\\`` in quotes as a shell
does. The rules that count are those of systemd.service(5), "Command lines", and systemd.exec(5), "Environment".
"""

from __future__ import annotations

import math
import re
import shlex
import sys
from collections.abc import Callable, Collection, Mapping

from deployster_cli.domain.durations import parse_span
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.errors import EngineError

VARIABLES = {"DEPLOYSTER_DOLLAR": "$", "DEPLOYSTER_NEWLINE": "\n", "DEPLOYSTER_RETURN": "\r"}
"""What systemctl3 can't be given otherwise: it reads ``${…}`` last and just once, so what these hold stays as it is."""

_PATHS = ("WorkingDirectory", "PIDFile")
_COMMANDS = ("ExecStartPre", "ExecStart", "ExecStartPost", "ExecStop", "ExecStopPost", "ExecReload")

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_CODED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE_LINE = re.compile(
    r"""\s*(?:[#;](?:\\.|[^\\\n\r])*
    |(?P<name>[^=\n\r]+)=(?P<quoted>(?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)[ \t]*(?P<rest>(?:\\.|[^\\\n\r])*)
    |[^\n\r]+)""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)
_IN_QUOTES = re.compile(r"""\\(?:\n|(["\\`$]))""")
_PROTECTED = re.compile(r"\\(?:\n|(.))", re.DOTALL)
_SPACE_AT_END = re.compile(r"(?<!\\)[ \t]+\Z")

_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")
_SPLIT_VARIABLE = re.compile(r"\$(?![${])(.*)", re.DOTALL)
_SPECIAL = re.compile(r"[$\n\r]")
_DOLLARS = re.compile(r"\$\$|\$\{([^}:]*)\}|[$\n\r]")
"""What systemd takes for ``$``, for a variable, and as it is. It leaves alone what has a colon in the braces."""


def overrides(file: UnitFile, without: Collection[str] = (), known: Mapping[str, str] | None = None) -> str:
    """The drop-in for a unit: paths that stay where they are, commands in systemctl3's quoting, no environment of its
    own (that is ``environment``'s, and it is inherited). The options ``without`` are emptied. ``known`` is the
    environment that the commands will have.
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
            lines += [f"{option}={line}" for value in given for line in _commands(value, known or {})]
    return "\n".join(lines) + "\n"


def _since_reset(values: tuple[str, ...]) -> tuple[str, ...]:
    """The values that count: an empty one takes back all before it."""
    empty = [at for at, value in enumerate(values) if not value]
    return values[empty[-1] + 1 :] if empty else values


def _unmoved(path: str) -> str:
    """systemctl3 puts its root in front of ``/x`` and leaves ``//x`` alone."""
    optional, path = ("-", path[1:]) if path.startswith("-") else ("", path)
    return f"{optional}/{path}" if path.startswith("/") and not path.startswith("//") else optional + path


def _commands(value: str, known: Mapping[str, str]) -> list[str]:
    """One Exec option as lines for systemctl3, one a command: a ``;`` that stands alone parts them."""
    prefix = re.match(r"[-+!@:|]*", value)
    flags = prefix.group() if prefix else ""
    kept, literal = flags.replace(":", ""), ":" in flags
    parts: list[list[str]] = [[]]
    for raw, word in words(value[len(flags) :]):
        if raw == ";":
            parts.append([])
        else:
            parts[-1] += [_literal(word)] if literal else _requoted(word, known)
    return [kept + " ".join(part) for part in parts if part]


def _requoted(word: str, known: Mapping[str, str]) -> list[str]:
    """One word of a command. ``$NAME`` alone becomes as many words as its value has; systemctl3, asked to do that,
    would read the value's own quotes, ``%`` and ``${…}`` too, so it is left only what it alone knows: MAINPID.
    """
    variable = _SPLIT_VARIABLE.fullmatch(word)
    if variable is None:
        return [shlex.quote(_DOLLARS.sub(_dollar, word))]
    if variable[1] == "MAINPID":
        return [word]
    value = known.get(variable[1], "")
    return [_literal(part.replace("%", "%%")) for _, part in _parted(value, _plain_escape)]


def _literal(word: str) -> str:
    """A word with no variable in it."""
    return shlex.quote(_SPECIAL.sub(_dollar, word))


def _dollar(found: re.Match[str]) -> str:
    """What systemctl3 is told for what ``_DOLLARS`` found."""
    text = found.group()
    if text.startswith("${"):
        return text if re.fullmatch(r"\w+", found[1]) else ""
    return next(f"${{{name}}}" for name, char in VARIABLES.items() if char == text[0])


def words(text: str) -> list[tuple[str, str]]:
    """(as written, as meant) of each word of a command line, with systemd's quotes and C escapes taken away."""
    return [(raw, _bytes_joined(word)) for raw, word in _parted(text, _escape)]


def _parted(text: str, escape: Callable[[str], tuple[str, int]]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, start, word, quote, inside = 0, 0, "", "", False
    while at < len(text):
        char = text[at]
        step = 1
        if char == "\\":
            meant, step = escape(text[at + 1 : at + 10])
            word, inside = word + meant, True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "\"'":
            quote, inside = char, True
        elif char in " \t\n\r":
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
        byte, short, long, octal = coded.groups()
        meant = _character(int(short or long, 16)) if short or long else _byte(int(byte or octal, 16 if byte else 8))
        return meant, 1 + coded.end()
    if rest[:1] in _SIMPLE:
        return _SIMPLE[rest[0]], 2
    return (rest[:1], 2) if rest[:1] in set("\\\"'; ") else ("\\" + rest[:1], 1 + len(rest[:1]))


def _plain_escape(rest: str) -> tuple[str, int]:
    """A backslash in a variable's value only protects the character behind it."""
    return rest[:1], 2


def _character(value: int) -> str:
    """One by its number; systemd refuses those that there are none of."""
    return "\ufffd" if value > sys.maxunicode else _NO_CHARACTER.sub("\ufffd", chr(value))


def _byte(value: int) -> str:
    """``\\xHH`` and ``\\OOO`` are bytes of UTF-8, of which a character may need several."""
    return bytes([value & 0xFF]).decode(errors="surrogateescape")


def _bytes_joined(word: str) -> str:
    return word.encode(errors="surrogateescape").decode(errors="replace")


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
    return {name: text for name, text in found.items() if _NAME.fullmatch(name)}


def specified(text: str, file: UnitFile, base: Mapping[str, str]) -> str:
    """``text`` with systemd's specifiers filled in, those of names and of the home folder; others stay as they are."""
    prefix, _, rest = file.name.text.partition("@")
    instance, stem = rest.removesuffix(".service"), file.name.text.removesuffix(".service")
    last = prefix.rpartition("-")[2]
    known = {"%": "%", "i": instance, "I": instance, "n": file.name.text, "N": stem, "p": prefix, "j": last}
    known |= {"P": _plain_name(prefix), "J": _plain_name(last), "h": base.get("HOME", ""), "u": base.get("USER", "")}
    return re.sub(r"%(.)", lambda found: known.get(found.group(1), found.group()), text)


def _plain_name(text: str) -> str:
    """A part of a unit's name as systemd unescapes it: ``-`` parts folders, and ``\\x2d`` is a dash."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: _byte(int(found[1], 16)), text.replace("-", "/"))


def variables(text: str) -> dict[str, str]:
    """What an EnvironmentFile sets, as systemd reads it: ``#`` and ``;`` begin comments; a value begins with its quoted
    pieces, which may hold line breaks; behind them a backslash protects a character or continues the line.
    """
    found = (line for line in _FILE_LINE.finditer(text.rstrip("\r\n")) if line["name"])
    return {line["name"].strip(): _unquoted(line["quoted"]) + _bare(line["rest"]) for line in found}


def _unquoted(pieces: str) -> str:
    return "".join(single or _IN_QUOTES.sub(r"\1", double) for single, double in _QUOTED.findall(pieces))


def _bare(rest: str) -> str:
    return _PROTECTED.sub(r"\1", _SPACE_AT_END.sub("", rest))


def seconds(span: str, *, default: float) -> float:
    """A time span of systemd's (``90``, ``1min 30s``) in seconds; ``infinity`` for 0 and infinity, as for a limit."""
    found = parse_span(span)
    return default if found is None else found or math.inf
