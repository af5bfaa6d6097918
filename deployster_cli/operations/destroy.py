"""Destroying a release, or some of its instances: plan it, then carry it out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from deployster_cli.domain.model import Unit
from deployster_cli.domain.names import check_instance, check_service, check_version
from deployster_cli.domain.plan import Policy, plan_destroy
from deployster_cli.domain.wording import did_you_mean
from deployster_cli.engines.base import Engine
from deployster_cli.errors import NotFound
from deployster_cli.operations.deploy import Prepared
from deployster_cli.operations.records import forgetting
from deployster_cli.operations.rollout import Work


def check_input(service: str, version: str, instances: Collection[int]) -> None:
    """InvalidInput for what can name no release or instance."""
    check_service(service)
    check_version(version)
    for instance in instances:
        check_instance(instance)


def prepare(engine: Engine, service: str, version: str, instances: Collection[int], policy: Policy) -> Prepared:
    """The plan to destroy a release, or these instances of it; NotFound where one of them is not there."""
    check_input(service, version, instances)
    prepared = planned(engine.units(), service, version, instances, policy)
    return replace(prepared, memory=forgetting(engine, prepared.plan, prepared.units))


def planned(
    units: tuple[Unit, ...], service: str, version: str, instances: Collection[int], policy: Policy
) -> Prepared:
    """The same over units that were listed already."""
    plan = plan_destroy(service, version, units, instances, policy)
    missing = set(instances) - {name.instance for name in plan.retire}
    if plan.empty or missing:
        there = any((u.name.service, u.name.version) == (service, version) for u in units)
        what = f" @{min(missing)}" if missing and there else ""
        raise NotFound(f"There is no {service} {version}{what}.", _what_there_is(service, units))
    return Prepared(Work(plan), units)


def _what_there_is(service: str, units: Collection[Unit]) -> str:
    versions = sorted({u.name.version for u in units if u.name.service == service})
    if versions:
        return f"Of {service} there is: {', '.join(versions)}."
    return f"Nothing of {service} runs.{did_you_mean(service, (u.name.service for u in units))}"
