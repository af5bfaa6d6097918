"""A command, or a shell, on the machine of one of a service's instances."""

from __future__ import annotations

from deployster_cli.domain.units.model import UP, Unit
from deployster_cli.domain.units.names import INSTANCE, check_service, quoted
from deployster_cli.engines.base import Engine
from deployster_cli.errors import InvalidInput, NotFound
from deployster_cli.operations.releases import standing


def parse_target(text: str) -> tuple[str, int | None]:
    """``carousel`` or ``carousel@2`` as service and instance; InvalidInput for what is neither."""
    service, at, number = text.partition("@")
    check_service(service)
    if not at:
        return service, None
    if not INSTANCE.fullmatch(number):
        raise InvalidInput(f"{quoted(text)} names no instance: write {service}@1.")
    return service, int(number)


def choose(engine: Engine, service: str, instance: int | None) -> Unit:
    """Return the instance of the newest release, else the first of it that runs; NotFound where there is none.

    Of a global unit it is its copy on the first machine that it runs on, else on the first that has it.
    """
    newest = standing(engine, service).newest
    units = newest.units if instance is None else [u for u in newest.units if u.name.instance == instance]
    copies = [copy for unit in units for copy in unit.placements if copy.machine]
    up = [copy for copy in copies if copy.condition in UP]
    found = next(iter(up if instance is None else up + copies), None)
    if found is None:
        which = "No instance" if instance is None else f"No instance @{instance}"
        raise NotFound(f"{which} of {service} {newest.version} runs.", f"See deployster units {service}.")
    return found
