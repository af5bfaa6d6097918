"""What is known of unit files, by the hashes that fleet lists. A content's stamp names one unit; no other is ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile, hash_of

if TYPE_CHECKING:
    from deployster_cli.domain.units.model import Unit


class Contents:
    """Which unit of ours each content is: read, put in by us, or guessed from the release's file that was read last."""

    def __init__(self) -> None:
        self._made: dict[str, UnitName | None] = {}
        self._files: dict[str, UnitFile] = {}
        self._last: dict[tuple[str, str], UnitFile] = {}

    def learn(self, file: UnitFile, *contents: str) -> None:
        """Note a unit file, by the hashes that it may be listed with."""
        stamp = file.stamp
        made = UnitName(stamp.service, stamp.version, stamp.instance) if stamp else None
        self._made.update(dict.fromkeys(contents, made))
        self._files.update(dict.fromkeys(contents, file))
        if made == file.name:
            self._last[made.service, made.version] = file

    def told(self, units: tuple[Unit, ...]) -> tuple[Unit, ...]:
        """Return the units, each as one of ours or as a foreign one where its content is known."""
        return tuple(map(self._told, units)) if self._made else units

    def judged(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return the same, and foreign where it is not known; those as they are that the registry has no more."""
        return tuple(self._told(unit.owned(foreign=True) if unit.desired else unit) for unit in units)

    def unknown(self, units: Sequence[Unit]) -> dict[str, UnitName]:
        """Return the contents that are yet to be read, each with a unit that has it."""
        found: dict[str, UnitName] = {}
        for unit in units:
            if unit.desired and unit.hash and unit.hash not in self._made and not self._guessed(unit):
                found.setdefault(unit.hash, unit.name)
        return found

    def file(self, unit: Unit) -> UnitFile | None:
        """Return the unit's file, where its content is known."""
        known = self._files.get(unit.hash)
        return known if known is None or known.name == unit.name else replace(known, name=unit.name)

    def _told(self, unit: Unit) -> Unit:
        foreign = self._made[unit.hash] != unit.name if unit.hash in self._made else unit.foreign
        return unit if unit.foreign is foreign else unit.owned(foreign=foreign)

    def _guessed(self, unit: Unit) -> bool:
        from deployster_cli.domain.units.unitfile import sibling  # listings need none

        last = self._last.get((unit.name.service, unit.name.version))
        text = sibling(last, unit.name, unit.port) if last else ""
        right = bool(last) and hash_of(text) == unit.hash
        if right:
            self._made[unit.hash] = unit.name
            self._files[unit.hash] = UnitFile.parse(unit.name, text)
        return right
