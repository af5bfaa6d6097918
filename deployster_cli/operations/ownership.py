"""Whose units are whose: what carries Deployster's stamp is ours, all else with a name like ours is foreign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from deployster_cli.domain.rollout.placement import fitting, is_global
from deployster_cli.domain.units.model import Machine, Release, Unit, releases
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, NotFound

if TYPE_CHECKING:
    from deployster_cli.domain.change import Adopt
    from deployster_cli.domain.rollout.plan import Plan


@dataclass(frozen=True, slots=True)
class Owned:
    """All units of an engine, those of one service told apart. ``stamps`` is version → stamp, of all our releases.

    ``adopted`` are foreign ones that are to be taken for ours.
    """

    units: tuple[Unit, ...]
    stamps: Mapping[str, Stamp]
    adopted: frozenset[UnitName] = frozenset()

    def adopting(self, adopt: Adopt, service: str, version: str | None = None) -> Owned:
        """Return the same with foreign units of the service, or of one version of it, taken for ours, as ``adopt``
        says.
        """
        chosen = {u.name for u in self.units} if adopt is True else set(adopt or ())
        names = frozenset(
            u.name
            for u in self.units
            if u.name in chosen
            and u.foreign
            and not u.aside
            and u.desired is not None
            and u.name.service == service
            and version in (None, u.name.version)
        )
        units = tuple(u.owned(foreign=False) if u.name in names else u for u in self.units)
        return replace(self, units=units, adopted=names)

    def told(self, plan: Plan) -> Plan:
        """Return the plan that was made of these units, with those that it retires and Deployster didn't make."""
        return replace(plan, adopted=tuple(name for name in plan.retire if name in self.adopted))


class Planned(Protocol):
    """What was planned over the units."""

    @property
    def plan(self) -> Plan:
        """What will happen."""
        ...


T = TypeVar("T", bound=Planned)


def planned_over(
    engine: Engine,
    service: str,
    plan: Callable[[Owned], T],
    seen: Owned | None = None,
    probe: UnitFile | None = None,
) -> T:
    """Return what ``plan`` makes of the service as it is now, once the file of each unit that it takes away says that
    it is ours. Where one doesn't that is foreign, and it is planned anew. Errors as Engine's, and those of ``plan``.

    ``seen`` takes the place of a look; ``probe`` is one of the unit files that are to run. EngineUnreachable where a
    machine does not answer that has, or is to have, anything of the service.
    """
    seen = seen or owned(engine, engine.units(), service)
    _check_answers(engine, service, seen.units, probe)
    while True:
        made = plan(seen)
        units = judged(engine, seen.units, made.plan.taken)
        if units == seen.units:
            return made
        seen = owned(engine, units, service)


def _check_answers(engine: Engine, service: str, units: Sequence[Unit], probe: UnitFile | None) -> None:
    """EngineUnreachable where a machine was silent in the last listing that a change of the service may concern: it
    was given units of the service, a unit that runs everywhere belongs there, or it is none to pass over.
    """
    of_it = [each for unit in units if unit.name.service == service and not unit.aside for each in unit.placements]
    has = {each.machine.label for each in of_it if each.machine}
    silent = {each.machine.label for each in of_it if each.machine and each.machine.silent}
    renamed = silent - {one.machine.label for one in engine.silent}  # it may be any of them
    concerned = [
        one
        for one in engine.silent
        if renamed or not one.passable or one.machine.label in has or _belongs(probe, one.machine)
    ]
    if concerned:
        names = sorted(one.machine.label for one in concerned)
        why = min(concerned, key=lambda one: one.machine.label).why.rstrip(".")
        raise EngineUnreachable(
            f"{why}. What runs of {service} on {', '.join(names)} is not known, so nothing was changed.",
            f"Bring it back; or leave it out: --without {','.join(names)}. What it runs then is left as it is.",
        )


def _belongs(probe: UnitFile | None, machine: Machine) -> bool:
    """Whether a unit with such a file runs everywhere, and there too."""
    return probe is not None and is_global(probe) and bool(fitting(probe, [machine]))


def judged(engine: Engine, units: Sequence[Unit], names: Collection[UnitName]) -> tuple[Unit, ...]:
    """Return the units, those of these names each judged by its own file. Errors as Engine's."""
    doubtful = [unit for unit in units if unit.name in names]
    known = {unit.name: unit for unit in engine.settled(doubtful)} if doubtful else {}
    return tuple(known.get(unit.name, unit) for unit in units)


def told_apart(engine: Engine, units: Sequence[Unit], service: str | None = None) -> tuple[Unit, ...]:
    """Return the units, foreign only where their files say so; one service's, or all. For looking. Errors as
    Engine's.
    """
    return judged(engine, units, {unit.name for unit in units if unit.foreign and service in (None, unit.name.service)})


def owned(engine: Engine, units: Sequence[Unit], service: str) -> Owned:
    """Return the same for who is about to change the service: no release counts as ours whose stamp was not read. Of
    its other units it says what is listed; see ``planned_over``.

    One ``cat`` a release; where the unit that is asked has no stamp it is foreign, whatever is listed of it, and the
    next one is asked. What can't be read is foreign. EngineUnreachable or EngineMissing where the engine is away.
    """
    seen = told_apart(engine, units, service)
    stamps: dict[str, Stamp] = {}
    foreign: set[UnitName] = set()
    for release in releases(seen, service):
        stamp, strangers = _stamp_of(engine, release)
        foreign.update(strangers)
        if stamp:
            stamps[release.version] = stamp
    return Owned(tuple(u.owned(foreign=True) if u.name in foreign else u for u in seen), stamps)


def _stamp_of(engine: Engine, release: Release) -> tuple[Stamp | None, list[UnitName]]:
    """Return the stamp of the first unit that is ours, and those before it that are not."""
    strangers = []
    for unit in release.units:
        if unit.desired is None:
            continue
        try:
            file = engine.cat(unit.name)
        except (EngineMissing, EngineUnreachable):
            raise
        except EngineError:
            strangers.append(unit.name)
            continue
        if file and file.ours:
            return file.stamp, strangers
        strangers += [unit.name] if file else []
    return None, strangers


def none_of_ours(units: Sequence[Unit], service: str) -> NotFound | None:
    """Return the error for a service that has foreign units only; None where it has none of those either."""
    if not any(unit.foreign and not unit.aside and unit.name.service == service for unit in units):
        return None
    return NotFound(
        f"What runs of {service} was not created by Deployster; a deploy with --adopt takes it over.",
        f"deployster plan {service} VERSION --destroy-previous --adopt shows how.",
    )
