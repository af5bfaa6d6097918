"""Notes: small texts about a service that each machine keeps a copy of, so that any of them may be away. Pure.

A copy says in its first line how many times the note has been written; of two that differ the one that was written
more often counts. A note that was dropped stays as an empty one, so that no machine that was away brings the old one
back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from deployster_cli.domain.units.names import UnitName

_COUNT = re.compile("[0-9]{1,12}")
_PLACED = ".placed"
_RECORD = ".record"


class Kept(NamedTuple):
    """A note as the machines have it. ``times`` is how often it was written; ``text`` is empty where it was dropped."""

    times: int = 0
    text: str = ""

    @property
    def copy(self) -> str:
        """What a machine keeps of it."""
        return f"{self.times}\n{self.text}"


class Place(NamedTuple):
    """Where a unit was put: a machine's id and name."""

    unit: UnitName
    machine: str
    name: str


def record_of(service: str) -> str:
    """Where a service's record is kept, below the state folder."""
    return f"notes/{service}{_RECORD}"


def placed_of(service: str) -> str:
    """Where it is kept which machine has which of a service's units."""
    return f"notes/{service}{_PLACED}"


def lock_of(service: str) -> str:
    """Where a service's lock is kept."""
    return f"locks/{service}.lock"


def ended_of(service: str) -> str:
    """Where the tokens of locks are kept that were given back, a line each: a machine that was away has those still."""
    return f"locks/{service}.ended"


def merged(copies: Iterable[Mapping[str, str]]) -> dict[str, Kept]:
    """Return the notes that count: path → note. What is no note is none."""
    found: dict[str, Kept] = {}
    for machine in copies:
        for path, text in machine.items():
            note = read(text)
            if note and path.startswith("notes/") and note.times > found.get(path, Kept()).times:
                found[path] = note
    return found


def read(text: str) -> Kept | None:
    """One copy; None where it is something else."""
    count, _, rest = text.partition("\n")
    return Kept(int(count), rest) if _COUNT.fullmatch(count) else None


def places(copies: Iterable[Mapping[str, str]]) -> list[Place]:
    """Where units were put, of all services, by any machine's copy of the notes.

    Runs that were cut off from one another may each have written as often: then no count says whose is of now. What one
    knows of a machine that does not answer is believed until that answers.
    """
    notes = [read(text) for copy in copies for path, text in copy.items() if path.endswith(_PLACED)]
    words = (line.split(" ") for note in notes if note for line in note.text.splitlines())
    found = ((UnitName.parse(word[0]), word) for word in words if len(word) == len(Place._fields))
    return sorted({Place(unit, word[1], word[2]) for unit, word in found if unit})


def written(found: Iterable[Place]) -> str:
    """Places as the text of a note."""
    return "".join(f"{place.unit.text} {place.machine} {place.name}\n" for place in found)
