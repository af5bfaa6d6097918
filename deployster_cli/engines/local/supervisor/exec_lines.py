"""What a unit file's text means: the words of a command line, variables in them, specifiers. Pure.

The rules are those of systemd.service(5), "Command lines", and systemd.unit(5), "Specifiers".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from deployster_cli.domain.units.names import UnitName

_WORD = re.compile(r"""(?:\\.?|'(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?|[^ \t\n\r'"\\])+""", re.DOTALL)

# Of a word, in quotes or not. A backslash protects a quote, within quotes too; one that is not closed has the rest.
_PIECE = re.compile(r"""'((?:\\.|[^'\\])*)'?|"((?:\\.|[^"\\])*)"?|((?:\\.?|[^'"\\])+)""", re.DOTALL)

_PROTECTED = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.?))",
    re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_SIMPLE |= {char: char for char in "\\\"'; "}
_NO_CHARACTER = re.compile(r"[\ud800-\udfff]")

_LONE_VARIABLE = re.compile(r"\$(?![${])(.*)", re.DOTALL)

# What systemd takes for ``$`` and for a variable. It leaves alone what has a colon in the braces.
_DOLLARS = re.compile(r"\$\$|\$\{([^}:]*)\}")


def words(text: str) -> list[tuple[str, str]]:
    """(as written, as meant) of each word of a command line, with systemd's quotes and C escapes taken away."""
    found = ((raw, [_ESCAPE.sub(_escaped, piece) for piece in _pieces(raw)]) for raw in _WORD.findall(text))
    return [(raw, _bytes_joined("".join(pieces))) for raw, pieces in found]


def expanded(word: str, known: Mapping[str, str]) -> list[str]:
    """Return a word with its variables: ``$NAME`` alone becomes as many words as its value has, ``${NAME}``
    the value.
    """
    lone = _LONE_VARIABLE.fullmatch(word)
    if lone:
        return [_PROTECTED.sub(r"\1", "".join(_pieces(raw))) for raw in _WORD.findall(known.get(lone[1], ""))]
    return [_DOLLARS.sub(lambda found: "$" if found[1] is None else known.get(found[1], ""), word)]


def _pieces(raw: str) -> list[str]:
    return ["".join(groups) for groups in _PIECE.findall(raw)]


def _escaped(found: re.Match[str]) -> str:
    """Return what a backslash and what is behind it mean; where that is nothing they stay."""
    byte, octal, short, long, char = found.groups()
    if char is not None:
        return _SIMPLE.get(char, found[0])
    return _byte(int(byte or octal, 16 if byte else 8)) if byte or octal else _character(int(short or long, 16))


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
    """Return a part of a unit's name as systemd unescapes it: ``-`` parts folders, and ``\\x2d`` is a dash."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: _byte(int(found[1], 16)), text.replace("-", "/"))
