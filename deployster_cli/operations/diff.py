"""What a deploy would change in a unit: the newest release's first instance beside the rendering of another version."""

from __future__ import annotations

import difflib

from deployster_cli.domain.templates.render import Renderer
from deployster_cli.domain.templates.secrets import compared
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.ports import assign
from deployster_cli.domain.units.unitfile import Stamp, write_options
from deployster_cli.engines.base import Engine
from deployster_cli.errors import NotFound
from deployster_cli.operations.releases import standing


def diff(engine: Engine, render: Renderer, version: str, *, now: str, by: str) -> tuple[str, ...]:
    """Lines of a unified diff, stamps and ports left out, secrets masked; empty where nothing would change."""
    service = render.service
    last = standing(engine, service.name).newest
    found = (engine.cat(unit.name) for unit in last.units if unit.desired is not None)
    running = next(filter(None, found), None)  # a machine that doesn't answer may have the first one
    if running is None:
        raise NotFound(
            f"No unit file of {service.name} {last.version} is left to compare with.",
            f"deployster render {service.name} {version} shows the new one.",
        )
    name, port = running.name, running.stamp.port if running.stamp else None
    if port is None and render.takes_port:
        port = assign([name], ())[name]
    stamp = Stamp(service.name, version, name.instance, now, by, service.template, port=port)
    to = UnitName.checked(service.name, version, name.instance)
    old, new = (write_options(o).splitlines() for o in compared(running, render(to, stamp), render.shown(to, stamp)))
    return tuple(difflib.unified_diff(old, new, name.text, to.text, lineterm=""))
