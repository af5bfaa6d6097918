"""What the unit folder holds and what the manager shows, joined to domain units. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.local.parse import Shown
from deployster_cli.engines.local.unit_folder import Held

# What systemd doesn't list holds nothing: it loads a unit that runs, failed, has a job or is wanted.
_NOT_LOADED = Shown(id="", load="", active="inactive", sub="dead")


def join(
    held: Iterable[Held], shown: Mapping[str, Shown], machine: Machine, folder: str
) -> tuple[tuple[Unit, ...], tuple[UnitName, ...]]:
    """Return (the units, by name; the names of destroyed ones that are over and may be removed)."""
    known = {one.name: one for one in held}
    over = tuple(name for name, one in known.items() if one.leaving and not _shown(name, shown).up)
    units = [_unit(one, _shown(name, shown), machine) for name, one in known.items() if name not in over]
    units += [_stray(name, shown[name.text], machine) for name in _strays(shown, known, folder)]
    return tuple(sorted(units, key=lambda unit: unit.name)), over


def _shown(name: UnitName, shown: Mapping[str, Shown]) -> Shown:
    return shown.get(name.text, _NOT_LOADED)


def _unit(held: Held, now: Shown, machine: Machine) -> Unit:
    wanted = (held.wanted or (held.foreign and now.up)) and not held.leaving
    started = now.up or (wanted and not now.job)
    return Unit(
        name=held.name,
        desired=None if held.leaving else State.LAUNCHED if wanted else State.INACTIVE,
        current=State.LAUNCHED if started else State.INACTIVE,
        load=now.load or "loaded",
        active=now.active,
        sub=now.sub,
        machine=machine,
        hash=held.hash,
        restarts=now.restarts,
        port=held.port,
        foreign=held.foreign,
    )


def _strays(shown: Mapping[str, Shown], known: Mapping[UnitName, Held], folder: str) -> list[UnitName]:
    """Units that still run though somebody took their file away. Others' units with names like ours are none."""
    names = (UnitName.parse(text) for text, one in shown.items() if one.up and _was_ours(one, text, folder))
    return [name for name in names if name is not None and name not in known]


def _was_ours(one: Shown, text: str, folder: str) -> bool:
    return one.load == "not-found" or one.fragment == f"{folder}/{text}"


def _stray(name: UnitName, now: Shown, machine: Machine) -> Unit:
    return Unit(
        name=name,
        current=State.LAUNCHED,
        load=now.load,
        active=now.active,
        sub=now.sub,
        machine=machine,
        restarts=now.restarts,
    )
