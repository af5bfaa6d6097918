"""Looking: which units there are, and which releases they make up."""

from __future__ import annotations

from deployster_cli.domain.model import Release, Unit, releases
from deployster_cli.domain.names import check_service
from deployster_cli.engines.base import Engine


def list_units(engine: Engine, service: str | None = None) -> tuple[Unit, ...]:
    """Every unit of one service, or of all, by service, version and instance; a global one once for each machine.

    None of it is no error.
    """
    if service is not None:
        check_service(service)
    found = _each(engine)
    return found if service is None else tuple(unit for unit in found if unit.name.service == service)


def list_services(engine: Engine) -> tuple[Release, ...]:
    """Every release of every service, by name; a global unit counts once for each machine that has it."""
    return releases(_each(engine))


def _each(engine: Engine) -> tuple[Unit, ...]:
    return tuple(each for unit in engine.units() for each in unit.each)
