"""What is wrong with a file of variables, for systemd (``EnvironmentFile=``) and for docker (``--env-file``). Pure.

Both start the service without what they can't read of it, or not at all; the rules are systemd 252's and docker 28's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from deployster_cli.domain.limits import VARIABLE

# Bytes of a file. A process gets no more than about two million, its arguments and all.
LARGEST = 1_000_000

# Bytes of NAME=VALUE: the kernel starts no process with a longer one.
LONGEST_VARIABLE = 131_071

# Bytes that docker reads of a line.
LONGEST_LINE = 65_535


class Fault(NamedTuple):
    """The first thing wrong with a file: in which line (0 for none), what it is, and what mends it.

    No value is ever in it: it may be a secret.
    """

    line: int
    text: str
    cure: str


_SAVE = "Save it as UTF-8."
_PLAIN = "Write every line as NAME=value, without export; a comment ends without a backslash."

_FREE_PORT = "Leave it out: the setting port fixes it (port = 3000, or --set port=3000)."
_FREE_NAME = "Take another name."

# No possessive quantifier stands within another: Python 3.11.2 matches such a pattern wrongly.
_ENTRY = re.compile(
    rb"""[ \t\n\r]*+(?:
    (?P<comment>[#;](?:\\.|\\\Z|[^\\\n\r])*+)
    |(?P<name>[^=\n\r]++)=(?P<quoted>(?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)[ \t]*
        (?P<rest>(?P<open>['"])?(?:\\.|\\\Z|[^\\\n\r])*+)
    |(?P<other>[^\n\r]++)
    )""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED = re.compile(rb"""'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)
_IN_QUOTES = re.compile(rb"""\\(?:\n|(["\\`$]))""")
_BARE = re.compile(rb"\\(?:\n|\Z|(.))|[ \t]+\Z", re.DOTALL)
_LAST_OF_PLANES = "".join(chr(plane << 16 | 0xFFFE | last) for plane in range(17) for last in (0, 1))
_NO_CHARACTER = re.compile(f"[\ufdd0-\ufdef{_LAST_OF_PLANES}]")
_BOM = "\ufeff".encode()


def systemd_fault(content: bytes, taken: Collection[str] = ()) -> Fault | None:
    """Why systemd would refuse the file, or which line of it would count for nothing; None where all of it counts.

    ``taken`` are names that the unit itself gives another value in the end.
    """
    if fault := _no_text(content):
        return fault
    if content.startswith(_BOM):
        content = content.removeprefix(_BOM)
        if not re.match(rb"[ \t]*(?:[#;\n\r]|\Z)", content):
            return Fault(1, "begins with a byte order mark, so systemd would ignore it", "Save it without one.")
    at, line = 0, 1
    while found := _ENTRY.match(content, at):
        start = max(found.start("comment"), found.start("name"), found.start("other"))
        line += content.count(b"\n", at, start)
        if fault := _entry_fault(found, start, line, taken):
            return fault
        at, line = found.end(), line + content.count(b"\n", start, found.end())
    return None


def variables(content: bytes) -> dict[str, str]:
    """Return what the file sets, as systemd reads it; what can't name a variable is among the names.

    ValueError, saying why, where systemd refuses the whole file. A value begins with its quoted pieces, which may hold
    line breaks; behind them a backslash protects a character or continues the line.
    """
    if b"\0" in content:
        raise ValueError("it has a NUL character in it, as UTF-16 text does")
    entries = [found for found in _ENTRY.finditer(content.rstrip(b"\r\n")) if found["name"]]
    if not all(_is_text(found[0]) for found in entries):
        raise ValueError("it is not UTF-8 text")
    return {found["name"].decode().strip(" \t"): _value(found).decode() for found in entries}


def _value(entry: re.Match[bytes]) -> bytes:
    pieces = (single or _IN_QUOTES.sub(rb"\1", double) for single, double in _QUOTED.findall(entry["quoted"]))
    return b"".join(pieces) + _BARE.sub(rb"\1", entry["rest"])


def docker_fault(content: bytes) -> Fault | None:
    """Why docker would refuse the file; None where it takes it."""
    if fault := _no_text(content):
        return fault
    for number, line in enumerate(content.removeprefix(_BOM).split(b"\n"), 1):
        try:
            name, equals, _ = line.decode().lstrip(" \t").partition("=")
        except UnicodeDecodeError:
            return Fault(number, "is not UTF-8 text", _SAVE)
        if len(line) > LONGEST_LINE:
            return Fault(number, "is longer than docker reads a line", f"{LONGEST_LINE:,} bytes are the most.")
        if name.startswith("#"):
            continue
        if equals and not name:
            return Fault(number, "has no name before its =", _PLAIN)
        if re.search(r"[ \t]", name):
            return Fault(number, "has a space in the variable's name, which docker refuses", _PLAIN)
    return None


def _no_text(content: bytes) -> Fault | None:
    """Return what is wrong with the file as a whole, for any reader."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Fault(0, "is UTF-16 text", _SAVE)
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        return Fault(line, "has a NUL byte in it, as UTF-16 text has", _SAVE)
    if len(content) > LARGEST:
        return Fault(0, f"is larger than {LARGEST:,} bytes", "No process could be given so many variables.")
    return None


def _entry_fault(found: re.Match[bytes], start: int, line: int, taken: Collection[str]) -> Fault | None:
    if found["name"]:
        return _variable_fault(found, start, line, taken)
    if found["other"]:
        return Fault(line, "is not NAME=value, so systemd would ignore it", _PLAIN)
    if b"\\\n" in found["comment"]:
        return Fault(line, "is a comment with a backslash at its end, so the next line is part of it", _PLAIN)
    return None


def _variable_fault(found: re.Match[bytes], start: int, line: int, taken: Collection[str]) -> Fault | None:
    if not _is_text(found[0]):
        return Fault(line, "is not UTF-8 text", _SAVE)
    if found["open"]:
        return Fault(line, "opens a quote that nothing closes", "Close the quote, or put a backslash before it.")
    name = found["name"].decode().strip(" \t")
    if not VARIABLE.fullmatch(name):
        return Fault(line, "has something before its = that can't name a variable, so systemd would ignore it", _PLAIN)
    if found.end() - start > LONGEST_VARIABLE:
        return Fault(line, "is more than a process can take", f"{LONGEST_VARIABLE:,} bytes are the most.")
    if name in taken:
        return Fault(line, f"sets {name}, which the template sets itself", _FREE_PORT if name == "PORT" else _FREE_NAME)
    return None


def _is_text(content: bytes) -> bool:
    """Whether it is UTF-8 as systemd has it: without surrogates, and without what Unicode says is not a character."""
    try:
        return not _NO_CHARACTER.search(content.decode())
    except UnicodeDecodeError:
        return False
