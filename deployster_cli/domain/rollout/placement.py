"""Global units: which units are, which machines they are to run on, and where they do not show yet.

The rules are fleet's own (1.0.0, ``job/job.go`` and ``machine/machine.go``), as it tells nobody which machines fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deployster_cli.domain.units.model import Machine, Unit, worst_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile

_TRUE = frozenset({"true", "yes", "1", "on", "t"})
_QUOTED = re.compile('"([^"]*)"')

ANOTHER_VERSION = "another.version"


def is_global(file: UnitFile) -> bool:
    """Whether fleet runs the unit on every machine that fits."""
    return file.last("X-Fleet", "Global").lower() in _TRUE


def fitting(file: UnitFile, machines: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return the machines that the unit's MachineMetadata asks for: of each key named, one of the values named.

    A rule that is not one ``key=value`` is passed over, as fleet does.
    """
    rules: dict[str, set[str]] = {}
    for line in file.values("X-Fleet", "MachineMetadata"):
        for rule in _QUOTED.findall(line) or [line]:
            key, _, value = rule.partition("=")
            if key and value and "=" not in value:
                rules.setdefault(key, set()).add(value)
    return tuple(m for m in machines if all(m.metadata.get(key) in values for key, values in rules.items()))


def spread(unit: Unit, file: UnitFile, machines: Sequence[Machine]) -> Unit:
    """Return the global unit with one copy for each machine that fits, whether that machine reports it yet or not."""
    reported = {copy.machine.id: copy for copy in unit.copies if copy.machine}
    bare = unit._replace(load="", active="", sub="", machine=None, copies=())
    copies = [reported.get(m.id) or bare._replace(machine=m) for m in fitting(file, machines)]
    return worst_of(copies) if copies else bare


def bars_its_successor(file: UnitFile) -> bool:
    """Whether its Conflicts keep the service's other releases off a machine."""
    return keeps_away(file, file.name._replace(version=ANOTHER_VERSION))


def keeps_away(file: UnitFile, other: UnitName) -> bool:
    """Whether its Conflicts keep another unit off its machine."""
    return any(_matches(glob, other.text) for glob in file.values("X-Fleet", "Conflicts"))


def _matches(glob: str, name: str) -> bool:
    """Go's path.Match, save its character classes.

    What stands between two stars is taken where it is first found, for good: tried anywhere else, a glob of a dozen
    stars takes hours.
    """
    head, *pieces = (re.escape(piece).replace(r"\?", "[^/]") for piece in glob.split("*"))
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[:-1])
    return re.fullmatch(head + middle + "".join(f"[^/]*{piece}" for piece in pieces[-1:]), name) is not None
