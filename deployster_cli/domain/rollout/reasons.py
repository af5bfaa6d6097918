"""Why a rollout failed, as words, for errors and for the screen alike."""

from __future__ import annotations

from collections.abc import Sequence

from deployster_cli.domain.events import Failure
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import UNLOADABLE, Machine, Unit
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import some_names, where

_HEADLINES = {
    Reason.FAILED: "{who} failed{place}",
    Reason.CRASH_LOOP: "{who} keeps crashing{place}",
    Reason.DIED: "{who} died{place} after it was ready",
    Reason.ENDED: "{who} ended{place}, and a service is meant to go on running",
    Reason.GONE: "{who} was stopped or destroyed by somebody else",
    Reason.NO_MACHINE: "no machine fits {who}",
    Reason.UNHEALTHY: "{who} is not healthy{place}",
    Reason.NOT_YET: "{who} did not come up in time{place}",
    Reason.NOT_GONE: "{who} did not go away in time",
    Reason.NOT_RESTORED: "{who} did not come back up in time",
    Reason.REFUSED: "{text}",
    Reason.AWAY: "{text}",
    Reason.REPLACED: "{who} was replaced by somebody else: its unit file is another one",
}


def headline(failure: Failure) -> str:
    """What went wrong, in one sentence without a full stop."""
    place = f" on {where(failure.unit)}" if failure.unit and failure.unit.machine else ""
    if failure.reason is Reason.FAILED and failure.unit and failure.unit.load in UNLOADABLE:
        place += f": systemd can't load its unit file ({failure.unit.load})"
    text = failure.text.rstrip(".")
    health = f": {failure.health}" if failure.health else ""
    return _HEADLINES[failure.reason].format(who=some_names(failure.names), place=place, text=text) + health


def rules_and_machines(file: UnitFile | None, machines: Sequence[Machine], units: Sequence[Unit]) -> str:
    """Why no machine fits: a unit's placement rules, beside them what each machine offers and runs of it already."""
    rules = "; ".join(file.placement) if file else ""
    offers = "; ".join(f"{m.label} has {_metadata(m)}{_there(m, file, units)}" for m in machines)
    return f"It asks for {rules or 'nothing special'}. The machines: {offers or 'none answers'}."


def _metadata(machine: Machine) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(machine.metadata.items())) or "no metadata"


def _there(machine: Machine, file: UnitFile | None, units: Sequence[Unit]) -> str:
    """The units of the same service that a machine has already, where rules may keep them apart."""
    if file is None or not file.values("X-Fleet", "Conflicts"):
        return ""
    names = [u.name for u in units if u.machine and u.machine.id == machine.id and u.name.service == file.name.service]
    return f" and runs {some_names(names)}" if names else ""
