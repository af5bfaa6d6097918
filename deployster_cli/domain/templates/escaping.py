"""How a value is written where it lands in a unit file, so that it can add no line, no option and no command.

A template's own text and the values it puts in are kept apart by marks until the whole unit is rendered: only then is
it known whether a value stands in a plain directive or went through ``|arg``, and nothing is escaped twice. The rules
are those of systemd.syntax(7), systemd.service(5) and systemd.exec(5), tried with systemd 252.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import TemplateFault

_OPEN, _CLOSE = "\x02", "\x03"
_VALUE, _SHELL, _DONE = "v", "s", "d"
_MARKED = re.compile(f"({_OPEN}[{_VALUE}{_SHELL}{_DONE}][^{_OPEN}{_CLOSE}]*{_CLOSE})")

_NO_CHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_UNCLEAN = f"\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef{_NO_CHARACTERS}"

# Control characters, what some reader takes for the end of a line, and what systemd refuses as not clean UTF-8.
_FORBIDDEN = re.compile(f"[{_UNCLEAN}\ud800-\udfff]")

# The other characters, as a class of a regular expression that JSON can hold.
CLEAN = f"[^{_UNCLEAN}]"

_BARE = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_UNFIT_FOR_FLEET = re.compile(r"[\s%\"\\*?\[\]]")
_SIMPLE_COMMAND = re.compile(r"(?!\s*(?:exec\s|[!({]|\w+=))(?:[^;&|]|(?<=>)&)+")


class Text(str):
    """Text that a template wrote, the values in it still marked: a block, a macro, a ``{% set %}…{% endset %}``."""

    __slots__ = ()


def joined(pieces: Iterable[str]) -> Text:
    """Return the pieces of a template's output as one Text."""
    return Text("".join(pieces))


def unwritable(text: str) -> bool:
    """Whether ``text`` has a character that no place in a unit file can hold."""
    return bool(_FORBIDDEN.search(text))


def put(value: object) -> str:
    """Return what ``{{ value }}`` leaves in the output: a template's own Text as it is, anything else marked as a
    value.
    """
    if isinstance(value, Text):
        return value
    pieces = _MARKED.split(_plain(value))
    return "".join(piece if at % 2 else _mark(_VALUE, piece) for at, piece in enumerate(pieces) if piece)


def arg(value: object) -> str:
    """``|arg``: exactly one argument of an Exec line, whatever it holds."""
    return _mark(_DONE, _quoted_unless_bare(_flat(value).replace("$", "$$")))


def sh(value: object) -> str:
    """``|sh``: one word of a shell script; the script itself goes through ``|arg``."""
    return _mark(_SHELL, shlex.quote(_flat(value)))


def env(value: object) -> str:
    """``|env``: one assignment for ``Environment=``, made of ``NAME=value``. A dollar means nothing there."""
    return _mark(_DONE, _quoted_unless_bare(_flat(value)))


def fleet(value: object) -> str:
    """``|fleet``: a value for ``[X-Fleet]``, where nothing can be escaped: TemplateFault for what fleet misreads.

    fleet replaces %n, %N, %p and %i there and knows no %% (``unitPrintf`` in ``job/job.go`` of fleet 1.0.0), drops
    quotes, and matches Conflicts as globs.
    """
    text = _flat(value)
    if not text or _UNFIT_FOR_FLEET.search(text):
        raise TemplateFault(f"{quoted(text)} can't stand in [X-Fleet]: no spaces there, and none of % \" \\ * ? [ ].")
    return _mark(_DONE, text)


def exec_first(value: object) -> str:
    """``|exec``: a shell line, with ``exec`` before it where it is one simple command, so that signals reach that."""
    line = _plain(value)
    return f"exec {line}" if _SIMPLE_COMMAND.fullmatch(line) else line


def finished(text: str) -> str:
    """Return a whole rendered unit: every mark gone, every plain value escaped for a plain directive.

    TemplateFault for a value that such a directive can't hold, and where a script never went through ``|arg``.
    """
    pieces = _MARKED.split(text)
    unit = "".join(_resolved(piece) if at % 2 else piece for at, piece in enumerate(pieces))
    if _OPEN in unit or _CLOSE in unit:
        raise TemplateFault("the template cuts a value apart: take the part before it is put in or given a filter.")
    return unit


def _resolved(mark: str) -> str:
    kind, text = mark[1], mark[2:-1]
    if kind == _SHELL:
        raise TemplateFault(f"{text} was given |sh outside of a script: give the whole script |arg.")
    return text if kind == _DONE else _directive(text)


def _directive(text: str) -> str:
    if text.endswith("\\"):
        raise TemplateFault(f"{quoted(text)} ends with a backslash, which would join the next line to it.")
    return text.replace("%", "%%")


def _flat(value: object) -> str:
    """Return the text that a filter works on, its marks gone. Values inside a script must be safe in a shell, or given
    |sh.
    """
    text = _plain(value)
    flat = "".join(_inner(piece) if at % 2 else piece for at, piece in enumerate(_MARKED.split(text)))
    if unwritable(flat):
        raise TemplateFault(
            f"{quoted(flat)} has a line break or control character, and a unit file's value is one line."
        )
    return flat


def _inner(mark: str) -> str:
    kind, text = mark[1], mark[2:-1]
    if kind == _DONE:
        raise TemplateFault(f"{text} was escaped already: inside a script use |sh, and |arg on the script alone.")
    if kind == _VALUE and shlex.quote(text) != text:
        raise TemplateFault(f"{quoted(text)} stands in a script as it is: give it |sh there.")
    return text


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)  # a name that is not defined says so here
    if isinstance(value, str | int | float):
        return text
    raise TemplateFault(f"a {type(value).__name__} can't be put into a unit file whole: loop over it.")


def _mark(kind: str, text: str) -> str:
    if unwritable(text):
        raise TemplateFault(
            f"{quoted(text)} has a line break or control character, and a unit file's value is one line."
        )
    return f"{_OPEN}{kind}{text}{_CLOSE}"


def _quoted_unless_bare(text: str) -> str:
    """One word for systemd, which takes quotes and backslashes away first and then reads ``%%``."""
    if _BARE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
