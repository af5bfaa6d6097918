"""A service's template as the Renderer that operations take."""

from __future__ import annotations

from dataclasses import dataclass

from deployster_cli.domain.model import Service
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.ports import assign
from deployster_cli.domain.render import Templates
from deployster_cli.domain.template_values import Facts
from deployster_cli.domain.unitfile import Stamp, UnitFile


@dataclass(frozen=True, slots=True)
class TemplateRenderer:
    """Renders one service's instances from its template."""

    templates: Templates
    service: Service

    @property
    def takes_port(self) -> bool:
        """Whether each instance has to be given a port of its own."""
        return self.templates.takes_port(self.service.template)

    def __call__(self, name: UnitName, stamp: Stamp) -> UnitFile:
        """The instance's unit file, stamped; InvalidInput or TemplateFault where it can't be rendered."""
        facts = Facts(
            name=name,
            service=self.service,
            deployed_at=stamp.deployed_at,
            deployed_by=stamp.deployed_by,
            port=stamp.port if self.takes_port else None,
            previous=stamp.previous,
        )
        return self.templates.render(facts).stamped(stamp)


def sample(render: TemplateRenderer, version: str, instance: int, *, now: str, by: str) -> UnitFile:
    """The unit file that a deploy would start, made without asking any engine: its port is an example."""
    name = UnitName.checked(render.service.name, version, instance)
    port = assign([name], ())[name] if render.takes_port else None
    stamp = Stamp(name.service, version, instance, now, by, render.service.template, instances=1, port=port)
    return render(name, stamp)
