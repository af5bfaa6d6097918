"""A unit file to look at, rendered without asking any engine."""

from __future__ import annotations

from deployster_cli.domain.model import Service
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.ports import assign
from deployster_cli.domain.unitfile import Stamp, UnitFile
from deployster_cli.operations.deploy import Renderer


def sample(render: Renderer, service: Service, version: str, *, instance: int = 1, now: str, by: str) -> UnitFile:
    """The unit file that a deploy would start, as it may be shown. A port that a deploy would assign is an example."""
    name = UnitName.checked(service.name, version, instance)
    port = assign([name], ())[name] if render.takes_port else None
    return render.shown(name, Stamp(name.service, version, instance, now, by, service.template, instances=1, port=port))
