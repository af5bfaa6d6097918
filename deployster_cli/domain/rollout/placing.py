"""Which machine gets which of a plan's new units, where no scheduler of the engine's decides that. Pure.

A machine fits a unit that asks for it by its rules (``placement``), has nothing there that either keeps away from the
other, and no unit with the same port. Of those that fit the one with the fewest instances of the service is taken, then
the one with the fewest instances at all, then the first in the list: counted are those that are to stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from deployster_cli.domain.rollout.placement import fitting, is_global, keeps_away
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.units.model import Machine, Order
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile

# A unit → the machines that get it: one, or for a global unit all that fit.
Placed = Mapping[UnitName, tuple[Machine, ...]]


class Resident(NamedTuple):
    """A unit that is on a machine. ``file`` has its rules at least."""

    file: UnitFile
    machine: str
    port: int | None = None

    @property
    def name(self) -> UnitName:
        """Its name."""
        return self.file.name


@dataclass(frozen=True)
class Unplaceable(Exception):
    """No machine fits this unit; ``port`` is its own where it is only that which others have on each that would."""

    file: UnitFile
    port: int | None = None


@dataclass
class _Rooms:
    """Who is on which machine, as the plan goes on. ``staying`` are those that are there in the end."""

    machines: Sequence[Machine]
    there: list[Resident]
    staying: list[Resident] = field(default_factory=list)

    def put(self, file: UnitFile) -> tuple[Machine, ...]:
        """Return the machines that get a unit, from now on with it."""
        port = file.stamp.port if file.stamp else None
        allowed = [machine for machine in fitting(file, self.machines) if not self._kept_off(machine, file)]
        fits = [machine for machine in allowed if port is None or not self._has(machine, port)]
        if not fits:
            raise Unplaceable(file, port if allowed else None)
        chosen = tuple(fits) if is_global(file) else (min(fits, key=lambda machine: self._load(machine, file)),)
        new = [Resident(file, machine.id, port) for machine in chosen]
        self.there += new
        self.staying += new
        return chosen

    def leave(self, names: Iterable[UnitName]) -> None:
        """Note that these have gone."""
        gone = set(names)
        self.there = [one for one in self.there if one.name not in gone]

    def _has(self, machine: Machine, port: int) -> bool:
        return any(one.port == port for one in self.there if one.machine == machine.id)

    def _kept_off(self, machine: Machine, file: UnitFile) -> bool:
        beside = (one for one in self.there if one.machine == machine.id)
        return any(keeps_away(file, one.name) or keeps_away(one.file, file.name) for one in beside)

    def _load(self, machine: Machine, file: UnitFile) -> tuple[int, int, int]:
        here = [one.name for one in self.staying if one.machine == machine.id]
        of_it = sum(name.service == file.name.service for name in here)
        return of_it, len(here), self.machines.index(machine)


def place(
    plan: Plan, files: Mapping[UnitName, UnitFile], there: Iterable[Resident], machines: Sequence[Machine]
) -> Placed:
    """Return the machines of all that the plan starts; Unplaceable where one can't run on any."""
    there = list(there)
    retired = set(plan.retire)
    rooms = _Rooms(machines, there, [one for one in there if one.name not in retired])
    found: dict[UnitName, tuple[Machine, ...]] = {}
    for step in plan.steps:
        if plan.policy.order is Order.STOP_FIRST:
            rooms.leave(step.retire)
        found |= {name: rooms.put(files[name]) for name in step.start}
        rooms.leave(step.retire)
    return found
