"""The shapes of results: plain dicts and rows, the same for JSON, tables and HTTP. No drawing here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from deployster_cli.domain.units.model import WORST_FIRST, Release, Unit
from deployster_cli.domain.wording import where

if TYPE_CHECKING:
    from deployster_cli.operations.releases import Entry

Row = tuple[str, ...]

UNIT_COLUMNS = ("SERVICE", "VERSION", "INSTANCE", "STATE", "MACHINE", "PORT")
UNIT_COLUMNS_WIDE = (*UNIT_COLUMNS, "DESIRED", "CURRENT", "LOAD", "ACTIVE", "SUB", "MACHINE-ID", "UNIT")
SERVICE_COLUMNS = ("SERVICE", "VERSION", "RUNNING", "INSTANCES", "STATE", "MACHINES")


FOREIGN = "foreign"
LEFT_OUT = "left out"
"""Stands in tables for the state of what Deployster didn't make: how it is is its owner's business."""


def unit_shape(unit: Unit) -> dict[str, object]:
    """One unit for JSON: the Go service's six fields first, under its names, then ours. Unknown is null."""
    machine = unit.machine
    return {
        "service": unit.name.service,
        "instance": str(unit.name.instance),
        "version": unit.name.version,
        "current_state": unit.current,
        "desired_state": unit.desired,
        "machine_id": machine.id if machine else None,
        "state": unit.condition,
        "machine_ip": (machine.ip or None) if machine else None,
        "port": unit.port,
        "load": unit.load or None,
        "active": unit.active or None,
        "sub": unit.sub or None,
        "unit": unit.name.text,
        "foreign": unit.foreign,
    }


def unit_row(unit: Unit) -> Row:
    """One line of ``units``: UNIT_COLUMNS."""
    port = "-" if unit.port is None else str(unit.port)
    name = unit.name
    state = LEFT_OUT if unit.aside else FOREIGN if unit.foreign else unit.condition
    return name.service, name.version, str(name.instance), state, where(unit), port


def unit_row_wide(unit: Unit) -> Row:
    """One line of ``units -o wide`` and ``-o plain``: UNIT_COLUMNS_WIDE."""
    machine = unit.machine.id if unit.machine else "-"
    return (
        *unit_row(unit),
        unit.desired or "-",
        unit.current or "-",
        unit.load or "-",
        unit.active or "-",
        unit.sub or "-",
        machine,
        unit.name.text,
    )


def release_state(release: Release) -> str:
    """One word for a whole release: what its worst instance does, worst first; FOREIGN for what isn't ours."""
    if release.foreign:
        return FOREIGN
    present = {unit.condition for unit in release.units}
    return next(condition.value for condition in WORST_FIRST if condition in present)


def service_shape(release: Release) -> dict[str, object]:
    """One release of a service for JSON."""
    return {
        "service": release.service,
        "version": release.version,
        "running": len(release.running),
        "instances": len(release.units),
        "state": release_state(release),
        "machines": sorted({unit.machine.id for unit in release.units if unit.machine}),
        "foreign": release.foreign,
    }


def service_row(release: Release, between: str = ",") -> Row:
    """One line of ``services``: SERVICE_COLUMNS. ``between`` parts the machines."""
    machines = sorted({where(unit) for unit in release.units if unit.machine})
    running, all_of_it = str(len(release.running)), str(len(release.units))
    there = between.join(machines) or "-"
    return release.service, release.version, running, all_of_it, release_state(release), there


def history_shape(entry: Entry) -> dict[str, object]:
    """One release of a history for JSON. Unknown is null."""
    return {
        "version": entry.version,
        "running": entry.running,
        "deployed_at": entry.deployed_at or None,
        "deployed_by": entry.deployed_by or None,
    }


def history_row(entry: Entry, said: Callable[[str], str] = str) -> Row:
    """One line of ``history``; ``said`` makes words of the time of a deploy."""
    at = said(entry.deployed_at) if entry.deployed_at else "-"
    return entry.version, str(entry.running), at, entry.deployed_by or "-"
