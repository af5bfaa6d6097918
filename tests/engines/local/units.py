"""Unit files to test with."""

from __future__ import annotations

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile


def unit(version: str, *service: str, instance: int = 1, port: int | None = None) -> UnitFile:
    """``carousel-VERSION@INSTANCE``, stamped as render would, with these lines in [Service]."""
    name = UnitName("carousel", version, instance)
    stamp = [f"Service={name.service}", f"Version={version}", f"Instance={instance}"]
    stamp += ["DeployedAt=2026-01-02T03:04:05Z", "DeployedBy=ada@laptop", "Template=process"]
    stamp += [f"Port={port}"] if port else []
    return UnitFile.parse(name, "\n".join(["[Service]", *service, "[X-Deployster]", *stamp]))
