"""Looking: which units there are, and which releases they make up."""

from __future__ import annotations

from deployster_cli.domain.model import Release, Unit, releases
from deployster_cli.domain.names import check_service
from deployster_cli.engines.base import Engine


def list_units(engine: Engine, service: str | None = None) -> tuple[Unit, ...]:
    """Every unit of one service, or of all, by service, version and instance. None of it is no error."""
    if service is not None:
        check_service(service)
    found = (unit for unit in engine.units() if service in (None, unit.name.service))
    return tuple(sorted(found, key=lambda unit: unit.name))


def list_services(engine: Engine) -> tuple[Release, ...]:
    """Every release of every service, by name."""
    return releases(engine.units())
