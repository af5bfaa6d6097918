"""deployster.toml as it lies on the disk: finding it, reading it, and which line says what."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import ConfigError

NAME = "deployster.toml"

# Bytes. Ten thousand services fit; what is larger is another file by mistake.
LARGEST = 1_000_000

Keys = tuple[str, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = rf"\s*\[\[?\s*({_DOTTED})\s*\]"
_PAIR = rf"\s*({_DOTTED})\s*="
_QUOTE = r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#'
_SYNTAX = r"(?P<why>.*?) \(at (?:line (?P<line>\d+), column \d+|end of document)\)"

# A key of a hundred parts. tomllib takes seconds for one of ten thousand, and hours for one as long as a file may be.
#
# All are patterns as text: they are compiled only where there is a file.
_TOO_DEEP = r"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){100}"""


class Base(NamedTuple):
    """Where relative paths start; ``home`` is what ``~`` stands for, empty where there is none."""

    folder: Path
    home: str

    def resolved(self, path: str) -> str:
        """``path`` made absolute and tidy; an empty one stays empty."""
        if path.startswith("~/") and self.home:
            path = self.home + path[1:]
        return os.path.normpath(self.folder / path) if path else ""


class Document(NamedTuple):
    """A file that was read: ``shown`` is its name in messages, ``lines`` where each key stands (1 is the first)."""

    path: Path
    shown: str
    data: Mapping[str, object]
    lines: Mapping[Keys, int]

    def at(self, keys: Keys) -> str:
        """``deployster.toml:7`` for the line that gives ``keys``, or the nearest table round it."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.shown}:{self.lines[keys]}" if keys else self.shown


def find(folder: Path) -> Path | None:
    """Return the deployster.toml in ``folder`` or the nearest folder above it.

    ConfigError for a folder that we may not look into: the file there would have said what to deploy to. So for one
    that a stranger may have put there: the file can name the program that we run, so another user's file in a folder
    that everybody may write to (/tmp) is not picked up by itself.
    """
    for at in (folder, *folder.parents):
        if owner := _owner(at):
            _distrust(at / NAME, *owner)
            return at / NAME
    return None


def _owner(folder: Path) -> tuple[int, int] | None:
    """Return the user whose file there is in the folder, and the folder's mode; None where it has none."""
    try:
        return (folder / NAME).lstat().st_uid, folder.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            f"{folder} can't be searched for {NAME}: {error.strerror}.",
            "Change to a folder that you may enter, or become a user who may enter this one.",
        ) from error


def _distrust(path: Path, owner: int, mode: int) -> None:
    if mode & stat.S_IWOTH and owner != os.geteuid():
        raise ConfigError(
            f"{path} belongs to another user, in a folder that anyone may write to, so it is not used by default.",
            f"If you trust it: --config {path}",
        )


def read(path: Path, shown: str) -> Document:
    """Return the document in the file ``path``; ConfigError in one sentence where there is none to be read."""
    text = _text(path, shown)
    return Document(path, shown, _parsed(text, shown), line_index(text))


def _text(path: Path, shown: str) -> str:
    """Return the file's text. Only a regular file is opened: reading a pipe could wait for ever."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise ConfigError(f"{shown} is {'a folder' if stat.S_ISDIR(kind) else 'not a regular file'}.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{shown} can't be read: {error.strerror}.") from error
    if len(content) > LARGEST:
        raise ConfigError(f"{shown} is larger than {LARGEST:,} bytes, which is too much for a settings file.")
    return _decoded(content, shown)


def _decoded(content: bytes, shown: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: this line is not UTF-8 text.") from error


def _parsed(text: str, shown: str) -> dict[str, object]:
    import tomllib  # only where there is a file

    if re.search(_TOO_DEEP, text):
        raise ConfigError(f"{shown} is nested too deeply.")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{shown} is nested too deeply.") from error
    except ValueError as error:
        raise _syntax(error, shown, text) from error


def _syntax(error: ValueError, shown: str, text: str) -> ConfigError:
    found = re.fullmatch(_SYNTAX, str(error), re.DOTALL)
    why = found["why"] if found else str(error).splitlines()[0]
    line = (found and found["line"]) or (text.rstrip("\n").count("\n") + 1 if found else 0)
    place = f"{shown}:{line}" if line else shown
    return ConfigError(f"{place}: invalid TOML: {why[:1].lower()}{why[1:]}.")


def line_index(text: str) -> dict[Keys, int]:
    """Key path → line number, for every table header and every ``key =`` at the start of a line.

    tomllib doesn't say where a value stood. What stands inside an inline table is found under that table's line.
    """
    lines: dict[Keys, int] = {}
    table: Keys = ()
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        pair = None if inside else re.match(_PAIR, line)
        header = None if inside else re.match(_HEADER, line)
        if header:
            table = _parts(header[1])
        if pair or header:
            keys = table + _parts(pair[1]) if pair else table
            for length in range(1, len(keys) + 1):
                lines.setdefault(keys[:length], number)
        inside = _open_string(line, inside)
    return lines


def _parts(dotted: str) -> Keys:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in re.findall(_PART, dotted))


def _open_string(line: str, inside: str) -> str:
    """Return the delimiter of the multi-line string that is open after ``line``, or nothing."""
    at, quote = 0, re.compile(_QUOTE)
    while True:
        if inside:
            end = line.find(inside, at)
            if end < 0:
                return inside
            at, inside = end + 3, ""
        found = quote.search(line, at)
        if not found or found[0] == "#":
            return ""
        at = found.end()
        inside = found[0] if found[0] in {'"""', "'''"} else ""


def meant(word: str, known: Mapping[str, object]) -> str:
    """``; did you mean 'instances'?`` for the known word most like ``word``, else the known words."""
    from deployster_cli.domain.wording import nearest  # only on the way to an error

    if near := nearest(word, known):
        return f"; did you mean {quoted(near)}?"
    return f"; there are {', '.join(sorted(known))}." if known else "."
