"""What a fault may and may not do to a deploy, and the table that says what it did. No process, no clock."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

HEAD = ("scenario", "what breaks", "expected", "seen", "seconds", "least running", "verdict")


@dataclass(frozen=True)
class Expected:
    """What has to come out: the exit code, and how many units of which release are left, with no other beside them.

    ``left`` is ``new`` or ``old``, or empty where it does not matter. ``floor`` is the fewest instances that may serve
    at any moment, None where the cluster itself takes units away. ``within`` is in seconds, for the deploy alone.
    """

    code: int
    left: str
    count: int
    floor: int | None
    within: float

    def told(self) -> str:
        """``exit 0, 4 new``"""
        return f"exit {self.code}, {self.count} {self.left}" if self.left else f"exit {self.code}"


@dataclass(frozen=True)
class Left:
    """The units after it, by name: in fleet's registry, running by fleet's list, and serving on the machines."""

    registry: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    serving: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """One deploy that was disturbed: what was wanted of it, and what was seen.

    ``code`` is None where it had to be killed at its time limit. ``least`` is the smallest number of instances that
    served. ``troubles`` are complaints of the scenario's own; ``said`` is the deploy's last line.
    """

    expected: Expected
    old: str
    new: str
    code: int | None
    seconds: float
    left: Left
    least: int
    troubles: tuple[str, ...] = ()
    said: str = ""

    @property
    def ended(self) -> str:
        """``exit 0``, or that it did not."""
        return "no end" if self.code is None else f"exit {self.code}"

    def told(self) -> str:
        """``exit 0, 4 new``; with what serves beside the registry where that is something else."""
        if not self.expected.left:
            return self.ended
        counts = [self.counted(names) for names in (self.left.registry, self.left.running, self.left.serving)]
        names = ("in the registry", "running", "serving")
        same = len(set(counts)) == 1
        units = counts[0] if same else ", ".join(f"{what} {name}" for what, name in zip(counts, names, strict=True))
        return f"{self.ended}, {units}"

    def counted(self, units: Iterable[str]) -> str:
        """``4 new + 1 old``: how many units there are of each release."""
        labels = {self.old: "old", self.new: "new"}
        found = Counter(labels.get(version_of(unit), unit) for unit in units)
        return " + ".join(f"{number} {label}" for label, number in sorted(found.items())) or "none"

    def complaints(self) -> list[str]:
        """Everything that is not as expected; empty where all is."""
        wanted = self.expected
        found = list(self.troubles)
        if self.code != wanted.code:
            found.append(f"{self.ended} where exit {wanted.code} was due: {self.said}")
        if self.seconds > wanted.within:
            found.append(f"it took {self.seconds:.0f} s, {wanted.within:.0f} are the limit")
        if wanted.floor is not None and self.least < wanted.floor:
            found.append(f"only {self.least} served for a moment, {wanted.floor} had to")
        return found + (misplaced(self.left, getattr(self, wanted.left), wanted.count) if wanted.left else [])


def misplaced(left: Left, version: str, count: int) -> list[str]:
    """What is wrong with the units that are left, where ``count`` of one version had to be."""
    found = [f"{name} should not be there" for name in sorted(set(left.registry)) if version_of(name) != version]
    if len(left.registry) - len(found) != count:
        found.append(f"{len(left.registry) - len(found)} units of {version} in the registry, not {count}")
    if sorted(left.running) != sorted(left.registry):
        found.append(f"fleet lists as running: {' '.join(sorted(left.running)) or 'none'}")
    if sorted(left.serving) != sorted(left.registry):
        found.append(f"the machines run: {' '.join(sorted(left.serving)) or 'none'}")
    return found


def version_of(unit: str) -> str:
    """The version in ``broken-v2@1.service``; empty where it is no such name."""
    release, at, _ = unit.rpartition("@")
    return release.rpartition("-")[2] if at else ""


def overlaps(spans: Sequence[tuple[str, str, str]]) -> list[str]:
    """Complaints for those of (who, began, ended) that began before the one ahead had ended; times as text."""
    ordered = sorted(spans, key=lambda span: span[1:])
    late = [(after, ahead) for ahead, after in pairwise(ordered) if after[1] < ahead[2]]
    return [f"{after[0]} began before {ahead[0]} had ended" for after, ahead in late]


@dataclass(frozen=True)
class Row:
    """One line of the table: what broke, and the deploys that it was tried on."""

    scenario: str
    fault: str
    outcomes: tuple[Outcome, ...] = ()
    # Why it was not tried here; it has no outcomes then.
    missing: str = ""
    # What kept it from its end; it has no outcomes then.
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether anything was not as expected."""
        return bool(self.error) or any(outcome.complaints() for outcome in self.outcomes)

    @property
    def verdict(self) -> str:
        """``ok``, ``FAILED``, ``1 of 20 FAILED``, or ``not tried``; ``why`` has the rest."""
        if not self.failed:
            return "ok" if self.outcomes else "not tried"
        bad = sum(bool(outcome.complaints()) for outcome in self.outcomes)
        return f"{bad} of {len(self.outcomes)} FAILED" if len(self.outcomes) > 1 else "FAILED"

    @property
    def why(self) -> str:
        """What was not as expected, or why it was not tried; empty where all is well."""
        found = [text for outcome in self.outcomes for text in outcome.complaints()]
        return "; ".join(dict.fromkeys([*found, *filter(None, (self.error, self.missing))]))

    def cells(self) -> tuple[str, ...]:
        """The row's text, in the order of HEAD."""
        if not self.outcomes:
            return (self.scenario, self.fault, "", "", "", "", self.verdict)
        least = min(outcome.least for outcome in self.outcomes)
        floors = [outcome.expected.floor for outcome in self.outcomes]
        floor = None if None in floors else min(each for each in floors if each is not None)
        return (
            self.scenario,
            self.fault,
            ", or ".join(dict.fromkeys(outcome.expected.told() for outcome in self.outcomes)),
            counted(outcome.told() for outcome in self.outcomes),
            span([outcome.seconds for outcome in self.outcomes]),
            f"{least}" if floor is None else f"{least} (at least {floor})",
            self.verdict,
        )


def counted(texts: Iterable[str]) -> str:
    """``exit 0, 4 new`` where there is one; ``20 x exit 0, 3 new`` where there are many."""
    found = Counter(texts)
    return "; ".join(f"{number} x {text}" if found.total() > 1 else text for text, number in found.items())


def span(seconds: Sequence[float]) -> str:
    """``16`` or ``14 to 22``."""
    low, high = round(min(seconds)), round(max(seconds))
    return f"{low}" if low == high else f"{low} to {high}"


def table(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table, and below it what was wrong with which."""
    return text(Table([row.cells() for row in rows], complaints(rows)))


def complaints(rows: Sequence[Row]) -> list[str]:
    """A line for each row that is not as expected."""
    return [f"- {row.scenario}, {row.fault}: {row.verdict}: {row.why}" for row in rows if row.why]


class Table(NamedTuple):
    """The lines of a table without its head, each as its cells, and the complaints below it."""

    lines: list[tuple[str, ...]]
    wrong: list[str]

    def without(self, scenarios: Container[str]) -> Table:
        """Those of the other scenarios."""
        lines = [cells for cells in self.lines if cells[0] not in scenarios]
        return Table(lines, [line for line in self.wrong if line[2:].partition(",")[0] not in scenarios])


def text(shown: Table) -> str:
    """Markdown, the columns in line."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in (HEAD, *shown.lines)]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    drawn = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, wide, strict=True)) + " |" for line in cells]
    drawn.insert(1, "|" + "|".join("-" * (w + 2) for w in wide) + "|")
    return "\n".join([*drawn, *([""] if shown.wrong else []), *shown.wrong]) + "\n"


def parsed(page: str) -> Table:
    """The table of a page, as ``text`` wrote it."""
    lines = page.splitlines()
    cells = [re.split(r" *(?<!\\)\| ?", line)[1:-1] for line in lines if line.startswith("| ")]
    start = max((number for number, line in enumerate(lines) if line.startswith("|")), default=0)
    wrong = [line for line in lines[start:] if line.startswith("- ")]
    return Table([tuple(cell.replace("\\|", "|") for cell in line) for line in cells[1:]], wrong)
