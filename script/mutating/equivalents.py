"""The changes that were looked at and change nothing that anybody could see: they are no fault of the tests."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from operators import Mutant

LIST = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True)
class Judged:
    """One of the list: the text of its line without the space round it, the change as the table has it, and why."""

    path: str
    line: str
    change: str
    why: str


def judged(text: str) -> Iterator[Judged]:
    """The list: ``["path"]`` with ``"the line" = { "the change" = "why" }`` in it."""
    for path, lines in tomllib.loads(text).items():
        for line, changes in lines.items():
            yield from (Judged(path, line, change, why) for change, why in changes.items())


def why(mutant: Mutant, source: str, known: Iterable[Judged]) -> str:
    """Why the change counts for nothing; empty where it was not judged so."""
    line = source.splitlines()[mutant.line - 1].strip()
    here = (mutant.path, line, mutant.told)
    return next((one.why for one in known if (one.path, one.line, one.change) == here), "")


def stale(known: Iterable[Judged], mutants: Mapping[str, Iterable[tuple[str, str]]]) -> list[Judged]:
    """Those of the list that no change is any more. ``mutants``: path → (line, change) of all there are."""
    return [one for one in known if (one.line, one.change) not in set(mutants.get(one.path, ()))]
