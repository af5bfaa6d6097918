"""What the scripts print, as values. Pure; OutputUnreadable for what is something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.engines.local.parse import Shown, parse_listening, parse_show
from deployster_cli.engines.local.unit_folder import Held
from deployster_cli.errors import OutputUnreadable


@dataclass(frozen=True, slots=True)
class Seen(Held):
    """One unit as a machine's folder has it; ``text`` has the sections [X-Fleet] and [X-Deployster] alone."""

    digest: str = ""

    @property
    def hash(self) -> str:
        """SHA-1 of the whole file, as the machine worked it out."""
        return self.digest


class Listed(NamedTuple):
    """What one machine says in a listing. ``id`` is its /etc/machine-id.

    ``notes`` are the files of its state folder: path below it → text.
    """

    id: str
    folder: str
    shown: Mapping[str, Shown]
    held: tuple[Seen, ...]
    notes: Mapping[str, str]


class Part(NamedTuple):
    """A part of what a script printed: the word of its head, and what is below it."""

    kind: str
    text: str

    @property
    def named(self) -> tuple[str, str]:
        """(its first line, which is a name; the rest)."""
        name, _, rest = self.text.partition("\n")
        return name, rest


def is_ending(out: bytes, err: bytes, token: str) -> bool:
    """Whether both streams of a script have come to their end marks, by their last bytes."""
    mark = f"\n{token}"
    last = out[:-1].rpartition(b"\n")[2] if out.endswith(b"\n") else b""
    return err.endswith(f"{mark}\n".encode()) and bool(re.fullmatch(rf"{token} [0-9]+".encode(), last))


def said(err: str, token: str) -> str:
    """Return what a script printed on stderr, without the end mark."""
    return err.removesuffix(f"\n{token}\n")


def ending(out: str, token: str) -> tuple[str, int] | None:
    """Return (what the script printed, its exit code); None where the end mark is missing."""
    body, mark, code = out.rpartition(f"\n{token} ")
    digits = code.removesuffix("\n")
    return (body, int(digits)) if mark and digits.isascii() and digits.isdigit() else None


def parts(body: str, token: str) -> list[Part]:
    """Return the parts of what a script printed, the first of them what stood before any head (kind empty)."""
    first, *rest = f"\n{body}".split(f"\n{token} ")
    headed = (piece.partition("\n") for piece in rest)
    return [Part("", first.removeprefix("\n")), *(Part(kind, text) for kind, _, text in headed)]


def listed(found: list[Part]) -> Listed:
    """One machine's listing."""
    single = {part.kind: part.text for part in found}
    missing = [kind for kind in ("machine", "folder", "states", "units") if kind not in single]
    if missing:
        raise OutputUnreadable(f"a machine's listing has no {missing[0]}: {quoted(found[0].text)}", out=found[0].text)
    stamps = dict(part.named for part in found if part.kind == "stamp")
    return Listed(
        id=single["machine"].strip(),
        folder=single["folder"].strip(),
        shown=parse_show(single["states"]),
        held=tuple(_held(single["units"], dict(_hashes(single.get("hashes", ""))), stamps)),
        notes=dict(part.named for part in found if part.kind == "note"),
    )


def named(found: list[Part], kind: str) -> dict[str, str]:
    """Return the parts of one kind that have a name: name → text."""
    return dict(part.named for part in found if part.kind == kind)


def listening(found: list[Part]) -> frozenset[int]:
    """Return the ports that a machine listens on."""
    return frozenset[int]().union(*(parse_listening(part.text) for part in found))


def _held(units: str, hashes: Mapping[str, str], stamps: Mapping[str, str]) -> Iterator[Seen]:
    """Yield the units whose file could be read; one that vanished meanwhile is none."""
    for line in units.splitlines():
        mark, _, text = line.partition(" ")
        name = UnitName.parse(text)
        if name and text in hashes:
            yield Seen(name, stamps.get(text, ""), mark == "wanted", mark == "leaving", hashes[text])


def _hashes(text: str) -> Iterator[tuple[str, str]]:
    """(file, its hash) of sha1sum's lines; one whose name has a backslash begins with one, and has each doubled."""
    for line in text.splitlines():
        digest, _, name = line.removeprefix("\\").partition("  ")
        yield name.replace("\\\\", "\\") if line.startswith("\\") else name, digest
