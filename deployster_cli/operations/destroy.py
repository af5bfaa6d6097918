"""Destroying a release, or some of its instances: plan it, then carry it out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from deployster_cli.domain.change import Change
from deployster_cli.domain.rollout.plan import plan_destroy
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.wording import did_you_mean, some_names
from deployster_cli.engines.base import Engine
from deployster_cli.errors import NotFound
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.ownership import Owned, planned_over
from deployster_cli.operations.records import forgetting
from deployster_cli.operations.rollout import RolloutSpec


def prepare(engine: Engine, change: Change) -> PlannedChange:
    """Return the plan to destroy a release, or these instances of it; NotFound where one of them is not there."""
    prepared = planned_over(engine, change.service, lambda seen: planned(seen, change))
    return replace(prepared, memory=forgetting(engine, prepared.plan, prepared.units))


def planned(seen: Owned, change: Change) -> PlannedChange:
    """Return the same over units that were listed already."""
    service, version = change.service, change.version or ""
    seen = seen.adopting(change.adopts, service, version)
    units = seen.units
    plan = seen.told(plan_destroy(service, version, units, change.only, change.policy))
    missing = set(change.only) - {name.instance for name in plan.retire}
    foreign = [name for name in plan.beside if not change.only or name.instance in missing]
    if foreign and (plan.empty or missing):
        raise NotFound(
            f"{some_names(foreign)} {'was' if len(foreign) == 1 else 'were'} not created by Deployster; --adopt takes "
            f"{'it' if len(foreign) == 1 else 'them'} over.",
            f"To destroy: deployster destroy {service} {version} --adopt",
        )
    if plan.empty or missing:
        there = any((u.name.service, u.name.version) == (service, version) and not u.foreign for u in units)
        what = f" @{min(missing)}" if missing and there else ""
        raise NotFound(f"No {service} {version}{what} found.", _what_there_is(service, units))
    return PlannedChange(RolloutSpec(plan), units)


def _what_there_is(service: str, units: Collection[Unit]) -> str:
    versions = sorted({u.name.version for u in units if u.name.service == service and not u.foreign})
    if versions:
        return f"There is: {', '.join(versions)}."
    others = {u.name.service for u in units if u.name.service != service and not u.foreign}
    return f"Nothing of {service} runs.{did_you_mean(service, others)}"
