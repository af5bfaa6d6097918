"""Looking: which units there are, and which releases they make up."""

from __future__ import annotations

from deployster_cli.domain.units.model import Release, Unit, everything
from deployster_cli.domain.units.names import check_service
from deployster_cli.engines.base import Engine
from deployster_cli.operations.ownership import told_apart


def list_units(engine: Engine, service: str | None = None) -> tuple[Unit, ...]:
    """Every unit of one service, or of all, by service, version and instance; a global one once for each machine.

    None of it is no error.
    """
    if service is not None:
        check_service(service)
    return _each(engine, service)


def list_services(engine: Engine) -> tuple[Release, ...]:
    """Every release of every service, by name, and the foreign units with names like theirs; a global unit counts once
    for each machine that has it.
    """
    return everything(_each(engine))


def silent(engine: Engine) -> dict[str, str]:
    """Return the machines that did not answer the last look → why. No call is made."""
    return {each.machine.label: each.why for each in engine.silent}


def _each(engine: Engine, service: str | None = None) -> tuple[Unit, ...]:
    wanted = [unit for unit in engine.units() if service in (None, unit.name.service)]
    return tuple(each for unit in told_apart(engine, wanted, service) for each in unit.placements)
