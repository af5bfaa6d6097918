"""Global units as a rollout has to see them: with a copy for each machine that fits, shown there or not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from deployster_cli.domain.model import Machine, State, Unit
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.placement import spread
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.engines.base import Engine


class Spreading:
    """Works out where global units belong, from their unit files (``files``, else what the engine holds: one ``cat``
    a unit, once) and from the machines there are at each look. Where there is no global unit it asks for nothing.
    """

    def __init__(self, engine: Engine, files: Mapping[UnitName, UnitFile]) -> None:
        self._engine = engine
        self._files: dict[UnitName, UnitFile | None] = dict(files)

    def over(self, units: Sequence[Unit], names: Collection[UnitName]) -> tuple[Unit, ...]:
        """The units, those of ``names`` that are global and wanted to run with all their copies. Errors as Engine's."""
        belong = {u.name for u in units if u.everywhere and u.name in names and u.desired is State.LAUNCHED}
        machines = self._engine.machines() if belong else ()
        return tuple(self._spread(unit, machines) if unit.name in belong else unit for unit in units)

    def _spread(self, unit: Unit, machines: Sequence[Machine]) -> Unit:
        if unit.name not in self._files:
            self._files[unit.name] = self._engine.cat(unit.name)
        file = self._files[unit.name]
        return spread(unit, file, machines) if file else unit
