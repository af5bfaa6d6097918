"""What a unit file's text means: the words of a command line, specifiers, variables. Pure.

The rules are those of systemd.service(5), "Command lines", systemd.unit(5), "Specifiers", and systemd.exec(5),
"EnvironmentFile".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping

from deployster_cli.domain.names import UnitName

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_CODED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})")
_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")

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

_LONE_VARIABLE = re.compile(r"\$(?![${])(.*)", re.DOTALL)
_DOLLARS = re.compile(r"\$\$|\$\{([^}:]*)\}")
"""What systemd takes for ``$`` and for a variable. It leaves alone what has a colon in the braces."""


def words(text: str) -> list[tuple[str, str]]:
    """(as written, as meant) of each word of a command line, with systemd's quotes and C escapes taken away."""
    return [(raw, _bytes_joined(word)) for raw, word in _parted(text, _escape)]


def expanded(word: str, known: Mapping[str, str]) -> list[str]:
    """A word with its variables: ``$NAME`` alone becomes as many words as its value has, ``${NAME}`` the value."""
    lone = _LONE_VARIABLE.fullmatch(word)
    if lone:
        return [part for _, part in _parted(known.get(lone[1], ""), _plain_escape)]
    return [_DOLLARS.sub(lambda found: "$" if found[1] is None else known.get(found[1], ""), word)]


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


def specified(text: str, name: UnitName, base: Mapping[str, str]) -> str:
    """``text`` with systemd's specifiers filled in, those of names and of the user; others stay as they are."""
    prefix, _, rest = name.text.partition("@")
    instance, stem = rest.removesuffix(".service"), name.text.removesuffix(".service")
    last = prefix.rpartition("-")[2]
    known = {"%": "%", "i": instance, "I": instance, "n": name.text, "N": stem, "p": prefix, "j": last}
    known |= {"P": _plain_name(prefix), "J": _plain_name(last), "h": base.get("HOME", ""), "u": base.get("USER", "")}
    return re.sub(r"%(.)", lambda found: known.get(found.group(1), found.group()), text)


def _plain_name(text: str) -> str:
    """A part of a unit's name as systemd unescapes it: ``-`` parts folders, and ``\\x2d`` is a dash."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: _byte(int(found[1], 16)), text.replace("-", "/"))


def names_variable(text: str) -> bool:
    """Whether it can be a variable's name; systemd leaves out what can't."""
    return _NAME.fullmatch(text) is not None


def variables(content: bytes) -> dict[str, str]:
    """What an EnvironmentFile sets, as systemd reads it; what can't be a variable's name is among the keys.

    ValueError, saying why, where systemd refuses the whole file. ``#`` and ``;`` begin comments; a value begins with
    its quoted pieces, which may hold line breaks; behind them a backslash protects a character or continues the line.
    """
    if b"\0" in content:
        raise ValueError("it has a NUL character in it, as UTF-16 text does")
    text = content.decode(errors="surrogateescape").rstrip("\r\n")
    found = (line for line in _FILE_LINE.finditer(text) if line["name"])
    pairs = {line["name"].strip(): _unquoted(line["quoted"]) + _bare(line["rest"]) for line in found}
    if _NO_CHARACTER.search("".join(pairs) + "".join(pairs.values())):
        raise ValueError("it is not UTF-8 text")
    return pairs


def _unquoted(pieces: str) -> str:
    return "".join(single or _IN_QUOTES.sub(r"\1", double) for single, double in _QUOTED.findall(pieces))


def _bare(rest: str) -> str:
    return _PROTECTED.sub(r"\1", _SPACE_AT_END.sub("", rest))
