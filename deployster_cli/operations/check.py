"""The doctor: looks at everything a deploy needs, and says of each fault what it is and what cures it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployster_cli.domain.model import Machine, Service
from deployster_cli.domain.wording import count
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EXIT_DONE, EXIT_ENGINE, EXIT_FAILED, DeploysterError, EngineError
from deployster_cli.operations.deploy import Renderer
from deployster_cli.operations.rendering import sample


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``cure`` is empty where it is fine; ``exit_code`` is what its fault stands for."""

    subject: str
    fine: bool
    text: str
    cure: str = ""
    exit_code: int = EXIT_DONE


def examine(engine: Engine, renderers: Sequence[tuple[Service, Renderer]], *, now: str, by: str) -> tuple[Finding, ...]:
    """Every finding: the engine and its machines, then each service's template rendered for a made-up version."""
    return (*_engine(engine), *(_template(service, render, now, by) for service, render in renderers))


def _engine(engine: Engine) -> Iterator[Finding]:
    fault = engine.check()
    if fault:
        yield Finding("engine", False, fault, exit_code=EXIT_ENGINE)
        return
    yield Finding("engine", True, "answers")
    try:
        machines, units = engine.machines(), engine.units()
    except EngineError as error:
        yield Finding("machines", False, error.message, error.hint, EXIT_ENGINE)
        return
    if machines:
        yield Finding("machines", True, ", ".join(_machine(machine) for machine in machines))
    else:
        yield Finding("machines", False, "the cluster has no machine", "Start fleetd on one.", EXIT_FAILED)
    yield Finding("units", True, f"{count(len(units), 'unit')} of ours")


def _machine(machine: Machine) -> str:
    return f"{machine.label} ({machine.ip})" if machine.ip and machine.label != machine.ip else machine.label


def _template(service: Service, render: Renderer, now: str, by: str) -> Finding:
    subject = f"service {service.name}"
    try:
        file = sample(render, service, "check", now=now, by=by)
    except DeploysterError as error:
        return Finding(subject, False, error.message, error.hint, EXIT_FAILED)
    return Finding(subject, True, f"template {service.template}, {len(file.text.splitlines())} lines")
