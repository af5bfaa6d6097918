"""Destroying a release, or some of its instances: plan it, then carry it out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from deployster_cli.domain.change import Adopt
from deployster_cli.domain.rollout.plan import Policy, plan_destroy
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import check_instance, check_service, check_version
from deployster_cli.domain.wording import did_you_mean, some_names
from deployster_cli.engines.base import Engine
from deployster_cli.errors import NotFound
from deployster_cli.operations.deploy import Prepared
from deployster_cli.operations.ownership import Owned, planned_over
from deployster_cli.operations.records import forgetting
from deployster_cli.operations.rollout import Work


def check_input(service: str, version: str, instances: Collection[int]) -> None:
    """InvalidInput for what can name no release or instance."""
    check_service(service)
    check_version(version)
    for instance in instances:
        check_instance(instance)


def prepare(
    engine: Engine, service: str, version: str, instances: Collection[int], policy: Policy, *, adopt: Adopt = False
) -> Prepared:
    """The plan to destroy a release, or these instances of it; NotFound where one of them is not there.

    ``adopt``: units of the release that Deployster didn't make go too, all or those named.
    """
    check_input(service, version, instances)
    prepared = planned_over(
        engine, service, lambda seen: planned(seen, service, version, instances, policy, adopt=adopt)
    )
    return replace(prepared, memory=forgetting(engine, prepared.plan, prepared.units))


def planned(
    seen: Owned, service: str, version: str, instances: Collection[int], policy: Policy, *, adopt: Adopt = False
) -> Prepared:
    """The same over units that were listed already."""
    seen = seen.adopting(adopt, service, version)
    units = seen.units
    plan = seen.told(plan_destroy(service, version, units, instances, policy))
    missing = set(instances) - {name.instance for name in plan.retire}
    foreign = [name for name in plan.beside if not instances or name.instance in missing]
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
    return Prepared(Work(plan), units)


def _what_there_is(service: str, units: Collection[Unit]) -> str:
    versions = sorted({u.name.version for u in units if u.name.service == service and not u.foreign})
    if versions:
        return f"There is: {', '.join(versions)}."
    others = {u.name.service for u in units if u.name.service != service and not u.foreign}
    return f"Nothing of {service} runs.{did_you_mean(service, others)}"
