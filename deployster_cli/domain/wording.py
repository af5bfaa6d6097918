"""Names, numbers and places as words, for errors and for the screen alike."""

from __future__ import annotations

from collections.abc import Sequence

from deployster_cli.domain.model import Unit
from deployster_cli.domain.names import UnitName

_LISTED_ONE_BY_ONE = 4


def some_names(names: Sequence[UnitName]) -> str:
    """``carousel 9f88701 @1 @2 @3``, each release once."""
    found: dict[tuple[str, str], list[int]] = {}
    for name in names:
        found.setdefault((name.service, name.version), []).append(name.instance)
    return ", ".join(f"{s} {v} {_instances(sorted(of))}" for (s, v), of in found.items())


def _instances(numbers: list[int]) -> str:
    """``@1 @2``, or ``@1..@50`` for a long run of them."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > _LISTED_ONE_BY_ONE and numbers == list(range(first, last + 1)):
        return f"@{first}..@{last}"
    return " ".join(f"@{number}" for number in numbers)


def count(number: int, thing: str) -> str:
    """``1 instance``, ``3 instances``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def where(unit: Unit) -> str:
    """The unit's machine for a line on the screen; ``-`` where it is on none."""
    return (unit.machine.ip or unit.machine.label) if unit.machine else "-"
