"""Unit files as values: ordered (section, name, value) options, written the way fleet's registry writes them.

fleet keeps no comments, gathers a section's options in one place and hashes what is left with SHA-1
(``unit/unit.go`` and go-systemd's ``serialize.go`` of fleet 1.0.0). Our text is that form already, so the hash
that ``list-unit-files --full`` shows can be worked out here, and what is submitted comes back from ``cat`` unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from deployster_cli.domain.durations import parse_span
from deployster_cli.domain.limits import HIGHEST_PORT
from deployster_cli.domain.units.descriptions import own_words
from deployster_cli.domain.units.names import INSTANCE, MOST_INSTANCES, VERSION, UnitName, quoted
from deployster_cli.errors import TemplateFault

Option = tuple[str, str, str]

STAMP_SECTION = "X-Deployster"

INSTALL_SECTION = "Install"

# Bytes. go-systemd refuses a unit file with a longer one ("line too long").
LONGEST_LINE = 2047

MOST_PREVIOUS = 10

ROLLBACK = "rollback"

# Ends of lines to systemd and not to fleet, white space to us alone, and bytes that are not UTF-8.
_AMBIGUOUS = re.compile("[\x00\r\x1c-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ``[X-Deployster]`` says of a unit. Times are RFC 3339 in UTC; ``previous`` is newest first.

    ``instances`` is how many the deploy was after, so that one cut short can be finished by the same command;
    ``change`` is ROLLBACK where a rollback started it, for the same reason; ``secrets``
    names the variables whose values nobody is to be shown.
    """

    service: str
    version: str
    instance: int
    deployed_at: str
    deployed_by: str
    template: str
    instances: int | None = None
    port: int | None = None
    previous: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    change: str = ""

    def options(self) -> tuple[Option, ...]:
        """Return the section's options, in the order a person reads them."""
        pairs = [
            ("Service", self.service),
            ("Version", self.version),
            ("Instance", str(self.instance)),
            ("DeployedAt", self.deployed_at),
            ("DeployedBy", self.deployed_by),
            ("Template", self.template),
        ]
        if self.instances is not None:
            pairs.append(("Instances", str(self.instances)))
        if self.port is not None:
            pairs.append(("Port", str(self.port)))
        if self.previous:
            pairs.append(("Previous", " ".join(self.previous[:MOST_PREVIOUS])))
        if self.secrets:
            pairs.append(("Secrets", " ".join(self.secrets)))
        if self.change:
            pairs.append(("Change", self.change))
        return tuple((STAMP_SECTION, name, value) for name, value in pairs)


@dataclass(frozen=True, slots=True)
class UnitFile:
    """A unit's name and its options in file order (options of one section stand together)."""

    name: UnitName
    options: tuple[Option, ...]

    @classmethod
    def parse(cls, name: UnitName, text: str) -> UnitFile:
        """Return the unit file that ``text`` (systemd syntax) writes; TemplateFault names the line that is none."""
        return cls(name, grouped(parse_options(text)))

    @property
    def text(self) -> str:
        """The file's content: canonical, so equal options give equal text."""
        return write_options(self.options)

    @property
    def hash(self) -> str:
        """SHA-1 of the text in hex: the hash that fleet lists for this unit."""
        return hash_of(self.text)

    def values(self, section: str, option: str) -> tuple[str, ...]:
        """Every value that the file gives this option, in order."""
        return tuple(value for at, name, value in self.options if (at, name) == (section, option))

    def last(self, section: str, option: str, default: str = "") -> str:
        """Return the last value given, which is the one that counts for a single-valued option."""
        return (self.values(section, option) or (default,))[-1]

    @property
    def oneshot(self) -> bool:
        """Whether the service is meant to end (``Type=oneshot``), so that active/exited is its running."""
        return self.last("Service", "Type") == "oneshot"

    @property
    def restart_pause(self) -> float:
        """Seconds from a death to the restart: RestartSec, or systemd's 100 ms."""
        return parse_span(self.last("Service", "RestartSec")) or 0.1

    @property
    def placement(self) -> tuple[str, ...]:
        """The ``[X-Fleet]`` rules as lines, for a person who asks why no machine fits."""
        return tuple(f"{name}={value}" for section, name, value in self.options if section == "X-Fleet")

    @property
    def unstamped(self) -> tuple[Option, ...]:
        """The options without ``[X-Deployster]``."""
        return tuple(option for option in self.options if option[0] != STAMP_SECTION)

    def runs_as(self, other: UnitFile) -> bool:
        """Whether two units run the same thing, whatever their stamps say. systemd runs nothing of an [Install]."""
        mine, theirs = ([option for option in file.essence if option[0] != INSTALL_SECTION] for file in (self, other))
        return mine == theirs

    @property
    def essence(self) -> tuple[Option, ...]:
        """What decides whether two units run the same: no stamp, and of a Description only its template's words."""
        return tuple(
            (section, name, own_words(value, self.name)) if (section, name) == ("Unit", "Description") else option
            for option in self.unstamped
            for section, name, value in [option]
        )

    @property
    def stamp(self) -> Stamp | None:
        """What ``[X-Deployster]`` says, or None where the unit is not ours or the section is not whole."""
        found = facts_of(self.options)
        try:
            return Stamp(
                service=found["Service"],
                version=found["Version"],
                instance=whole(found["Instance"]),
                deployed_at=found["DeployedAt"],
                deployed_by=found["DeployedBy"],
                template=found["Template"],
                instances=whole(found["Instances"]) if "Instances" in found else None,
                port=whole(found["Port"], HIGHEST_PORT) if "Port" in found else None,
                previous=versions(found.get("Previous", "")),
                secrets=tuple(found.get("Secrets", "").split()),
                change=ROLLBACK if found.get("Change") == ROLLBACK else "",
            )
        except (KeyError, ValueError):
            return None

    @property
    def ours(self) -> bool:
        """Whether Deployster made this unit: its stamp is whole and names exactly it (a copy's doesn't)."""
        return self.own_stamp is not None

    @property
    def own_stamp(self) -> Stamp | None:
        """The stamp where Deployster made this unit, else None."""
        stamp = self.stamp
        return stamp if stamp and UnitName(stamp.service, stamp.version, stamp.instance) == self.name else None

    def stamped(self, stamp: Stamp) -> UnitFile:
        """Return the same unit with this ``[X-Deployster]`` in place of any other."""
        return replace(self, options=self.unstamped + stamp.options())


def facts_of(options: Iterable[Option]) -> dict[str, str]:
    """Return what ``[X-Deployster]`` says: name → value."""
    return {name: value for section, name, value in options if section == STAMP_SECTION}


def idle(description: str, facts: Mapping[str, str]) -> tuple[Option, ...]:
    """Return a unit that only says these facts: it would do nothing if anybody ever started it."""
    head = (("Unit", "Description", description), ("Service", "ExecStart", "/bin/true"))
    return head + tuple((STAMP_SECTION, name, value) for name, value in facts.items())


def whole(text: str, most: int = MOST_INSTANCES) -> int:
    """Return a number as we write it; ValueError for all else, which int takes some of."""
    if not INSTANCE.fullmatch(text) or int(text) > most:
        raise ValueError
    return int(text)


def versions(text: str) -> tuple[str, ...]:
    """Versions as we write them, MOST_PREVIOUS at most; ValueError for all else."""
    found = tuple(text.split())
    if not all(map(VERSION.fullmatch, found)):
        raise ValueError
    return found[:MOST_PREVIOUS]


def write_options(options: tuple[Option, ...]) -> str:
    """Return the text of a unit file with these options, as fleet's registry would write it."""
    sections: dict[str, list[str]] = {}
    for section, option, value in options:
        sections.setdefault(section, []).append(f"{option}={value}\n")
    return "\n".join(f"[{section}]\n" + "".join(lines) for section, lines in sections.items())


def hash_of(text: str) -> str:
    """Return the hash that fleet lists for a unit file of this (canonical) text."""
    import hashlib  # slow to import, and listings need none

    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def grouped(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """Return the options with each section's gathered at the place where the section first stood."""
    order = list(dict.fromkeys(section for section, _, _ in options))
    return tuple(option for section in order for option in options if option[0] == section)


def parse_options(text: str) -> tuple[Option, ...]:
    """Return the options of a unit file in systemd's syntax, comments dropped and continued lines joined with a space.

    TemplateFault, with the line's number and text, for what is neither a section, an option nor a comment, for what
    fleet and systemd read differently, and for a line that fleet would refuse as too long.
    """
    options: list[Option] = []
    section = ""
    for number, line in _logical_lines(text):
        if line.startswith("["):
            section = _section(number, line)
            continue
        name, equals, value = line.partition("=")
        if not section or not equals or not name.strip():
            raise TemplateFault(f"line {number} of the unit file is neither [Section] nor Name=value: {quoted(line)}")
        if value.endswith("\\"):
            raise TemplateFault(
                f"line {number} of the unit file ends with a backslash and is not continued: {quoted(line)}"
            )
        options.append((section, name.strip(), value.strip()))
    _check_lengths(options)
    return tuple(options)


def _section(number: int, line: str) -> str:
    if not line.endswith("]") or not line[1:-1].strip() or "]" in line[1:-1]:
        raise TemplateFault(f"line {number} of the unit file is not a [Section]: {quoted(line)}")
    return line[1:-1]


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Return (number of the first line, content) with continuations joined; blank lines and comments are dropped.

    A comment inside a continued option is skipped, as systemd.syntax(7) says.
    """
    lines: list[tuple[int, str]] = []
    pending = ""
    for number, raw in enumerate(text.split("\n"), 1):
        if _AMBIGUOUS.search(raw.rstrip("\r")):
            raise TemplateFault(f"line {number} of the unit file has a character that none may have: {quoted(raw)}")
        line = raw.strip()
        if line.startswith(("#", ";")):
            continue
        if not pending:
            start = number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        lines.append((start, (pending + line).strip()))
        pending = ""
    if pending.strip():
        lines.append((start, pending.strip()))
    return [(number, line) for number, line in lines if line]


def _check_lengths(options: list[Option]) -> None:
    for _, name, value in options:
        size = len(f"{name}={value}".encode())
        if size > LONGEST_LINE:
            raise TemplateFault(
                f"the unit file's option {name} is {size} bytes long and fleet takes lines of {LONGEST_LINE} at most.",
                "Keep long values of env in a file on the machines (env_file), and a long command in a script.",
            )


def sibling(file: UnitFile, name: UnitName, port: int | None) -> str:
    """Return the text of the unit ``name`` with this port, had it been put in together with ``file``, of the same
    release.

    A guess, so that not every instance has to be read, and it proves nothing by itself: its hash is held against the
    one that the engine lists. Where they agree it is the very content, stamp and all; else the file is read.
    """
    stamp = file.stamp
    old = _words_of(file.name, stamp.port if stamp else None)
    new = _words_of(name, port)
    words = "|".join(map(re.escape, old))
    put = dict(zip(old, new, strict=False))
    return re.sub(rf"(?<![0-9])(?:{words})(?![0-9])", lambda found: put.get(found[0], ""), file.text)


def _words_of(name: UnitName, port: int | None) -> tuple[str, ...]:
    """Return what differs between two instances of a release: each word stands for the same one of the other."""
    number = f"nstance={name.instance}", f"NSTANCE={name.instance}"
    return (name.text, name.container, name.title, *number, *(() if port is None else (str(port),)))
