"""What a unit wrote, entry by entry; and journald's export format, in which entries come whole.

The format is that of systemd's "Journal Export Formats" page: ``NAME=value`` lines, or for a value with control
characters in it ``NAME``, its size in 8 bytes, and the bytes; an empty line ends an entry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import OutputUnreadable

# Bytes. journald keeps no larger one (DATA_SIZE_MAX in journal-importer.h).
LONGEST_FIELD = 64 * 1024 * 1024

# Characters.
LONGEST_LINE = 8 * 1024 * 1024

_NAME = re.compile(rb"[A-Z_][A-Z0-9_]*")

# Since 1970; more digits are beyond the year 9999, where calendars end.
_MICROSECONDS = re.compile(rb"[0-9]{1,17}")

_NUMBER_IN_CURSOR = re.compile(r"\bi=([0-9a-f]+)")
_CURSOR = re.compile(r"[\w=;.-]{1,400}", re.ASCII)

# journalctl's own lines, such as "-- No entries --", begin so.
_REMARK = b"-- "

# Fields of entries about a unit that none of its processes wrote (systemd.journal-fields(7)): by systemd, by journald,
# by what keeps core dumps; and of what podman adds: its events, and all that a container writes a second time.
_OF_OTHERS = frozenset(
    {
        *(b"UNIT", b"USER_UNIT", b"OBJECT_SYSTEMD_UNIT", b"OBJECT_SYSTEMD_USER_UNIT", b"COREDUMP_UNIT"),
        *(b"PODMAN_EVENT", b"CONTAINER_ID_FULL"),
    }
)

# What podman says before all else where it is called docker.
EMULATED = "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg."

# Why journald ended an entry where no line ended (_LINE_BREAK) → what stood there. Where it did so because another
# process wrote on (pid-change), a line break may have been the first that this one wrote: journald keeps no empty
# lines.
_BROKEN_OFF = {b"line-max": "", b"nul": "\0"}

# A line as journalctl prints it for people: time and host, who wrote it, the process, the text. A text of several lines
# goes on in indented ones.
_PRINTED = re.compile(r"(\S{1,12} +[0-9]{1,2} [0-9:]{8} \S+) ([^\[:]*)(\[[0-9]+\])?: (.*)", re.DOTALL)

# What systemd says of every start and stop, and results that it has given the reason of in a line before.
_BOOKKEEPING = re.compile(
    r"(?:Starting|Started|Stopping|Stopped|Finished|Failed to start) |"
    r"\S+: (?:Scheduled restart job|Service (?:RestartSec|hold-off)|Deactivated successfully|Succeeded\.|Consumed |"
    r"Start request repeated|Unit entered failed state|"
    r"Failed with result '(?:exit-code|signal|core-dump|timeout|oom-kill|watchdog|resources|start-limit-hit)')"
)
_REMARKS = re.compile("-- (?:Logs begin|Journal begins|Boot|Reboot|No entries)")

_SIZE = 8
_NEWLINE = ord("\n")
_MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. ``text`` may have several lines; ``at`` is seconds since 1970, None where nobody wrote it down.

    ``place`` grows from entry to entry of one unit on one machine. ``own`` says that a process of the unit wrote it,
    not systemd or podman about the unit. ``cursor`` is what the engine finds the entries behind this one by; empty
    where it has no such thing. ``end`` is what stood behind the text: no line break where a line goes on in the next
    entry. ``dropped`` is how many entries of the unit journald says here that it has not kept.
    """

    text: str
    place: tuple[int, int]
    at: float | None = None
    own: bool = True
    cursor: str = ""
    end: str = "\n"
    dropped: int = 0


class Export:
    """Reads the export format in whatever pieces it comes."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[bytes, bytes] = {}

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that ``data`` completes; OutputUnreadable where this is something else."""
        self._rest += data
        found: list[Entry] = []
        at = 0
        while (after := self._step(at, found)) is not None:
            at = after
        self._rest = self._rest[at:]
        if len(self._rest) > LONGEST_FIELD:
            raise _unreadable(self._rest)
        return found

    def _step(self, at: int, found: list[Entry]) -> int | None:
        """Where the line or field at ``at`` ends, once it is taken in; None where there is not all of it yet."""
        end = self._rest.find(b"\n", at)
        if end < 0:
            return None
        line = self._rest[at:end]
        if not line:
            self._complete(found)
            return end + 1
        if line.startswith(_REMARK):
            return end + 1
        name, equals, value = line.partition(b"=")
        if not _NAME.fullmatch(name):
            raise _unreadable(line)
        if equals:
            self._fields[name] = value
            return end + 1
        return self._sized(name, end + 1)

    def _sized(self, name: bytes, at: int) -> int | None:
        size = int.from_bytes(self._rest[at : at + _SIZE], "little")
        if size > LONGEST_FIELD:
            raise _unreadable(name)
        start = at + _SIZE
        if len(self._rest) < start + size + 1:
            return None
        if self._rest[start + size] != _NEWLINE:
            raise _unreadable(name)
        self._fields[name] = self._rest[start : start + size]
        return start + size + 1

    def _complete(self, found: list[Entry]) -> None:
        fields, self._fields = self._fields, {}
        if b"MESSAGE" in fields:
            found.append(_entry(fields))


def _entry(fields: dict[bytes, bytes]) -> Entry:
    written, dropped = fields.get(b"__REALTIME_TIMESTAMP", b""), fields.get(b"N_DROPPED", b"")
    cursor = fields.get(b"__CURSOR", b"").decode(errors="replace")
    number = _NUMBER_IN_CURSOR.search(cursor)
    at = int(written) if _MICROSECONDS.fullmatch(written) else None
    return Entry(
        text=fields[b"MESSAGE"].decode(errors="replace"),
        place=(at or 0, int(number[1], 16) if number else 0),
        at=None if at is None else at * _MICROSECOND,
        own=not fields.keys() & _OF_OTHERS and fields[b"MESSAGE"] != EMULATED.encode(),
        cursor=cursor if _CURSOR.fullmatch(cursor) else "",
        end=_BROKEN_OFF.get(fields.get(b"_LINE_BREAK", b""), "\n"),
        dropped=int(dropped) if _MICROSECONDS.fullmatch(dropped) else 0,
    )


class Lines:
    """Puts entries together to the lines that were written: journald makes several entries of one that is long or has a
    NUL in it.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def feed(self, entry: Entry) -> list[str]:
        """Return the lines that this entry ends; one of over LONGEST_LINE characters comes in pieces."""
        goes_on = entry.end != "\n"
        self._pieces += (entry.text, entry.end) if goes_on else (entry.text,)
        self._size += len(entry.text)
        return [] if goes_on and self._size <= LONGEST_LINE else self.rest()

    def rest(self) -> list[str]:
        """Return what is left of a line that has not ended."""
        text, left = "".join(self._pieces), bool(self._pieces)
        self._pieces, self._size = [], 0
        return text.split("\n") if left else []


def lines_of(text: str) -> list[str]:
    """Return the lines of what a program wrote. Only ``\\n`` ends one: what str.splitlines splits at may
    stand in it.
    """
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def telling(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the last ``most`` of a journal's printed lines that tell how a unit ended: what it wrote, and of systemd's
    lines those that are not said of every start and stop. A text that comes again, at another time or by another
    process, is there once. Where that leaves nothing: the last lines as they are.
    """
    entries = [(entry, _PRINTED.match(entry[0])) for entry in _entries(lines)]
    last = {(found[2], found[4], *entry[1:]): (found[1], found[3]) for entry, found in entries if found}
    kept = [
        line
        for entry, found in entries
        if not found or last[found[2], found[4], *entry[1:]] == (found[1], found[3])
        if not (found and found[2] == "systemd" and _BOOKKEEPING.match(found[4]))
        for line in entry
    ]
    return tuple((kept or lines)[-most:])


def _entries(lines: Sequence[str]) -> list[list[str]]:
    """Return the lines by entry: each with those behind it that go on indented. journalctl's own remarks are
    left out.
    """
    entries: list[list[str]] = []
    for line in lines:
        if entries and line.startswith(" ") and _PRINTED.match(entries[-1][0]):
            entries[-1].append(line)
        elif not _REMARKS.match(line):
            entries.append([line])
    return entries


def _unreadable(line: bytes) -> OutputUnreadable:
    text = line[:LONGEST_FIELD].decode(errors="replace")
    return OutputUnreadable(f"journalctl printed something that is not a journal: {quoted(text)}", out=text[:1000])
