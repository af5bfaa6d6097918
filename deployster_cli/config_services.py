"""The services that the settings name, made of the merged layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployster_cli.config_file import Base, Keys
from deployster_cli.config_layers import Given, Layer
from deployster_cli.config_schema import FIELDS, SERVICE, UNIT_PATH
from deployster_cli.domain.limits import path_fault
from deployster_cli.domain.model import Service
from deployster_cli.domain.names import quoted
from deployster_cli.errors import ConfigError

_TABLES = {"env": "env", "set": "extra"}
"""A service's tables whose keys are the user's own → Service's name for them."""


def services_of(merged: Layer, project: Mapping[str, str], base: Base | None) -> Mapping[str, Service]:
    """Every service by its name. Their relative paths start at ``base``, where there is one."""
    found: dict[str, dict[str, Any]] = {}
    for keys, given in merged.items():
        if keys[0] == "services":
            values = found.setdefault(keys[1], {"env": {}, "extra": {}})
            _put(values, keys[2:], given, base)
    return {
        name: Service(
            name,
            docker_hub_username=project["docker_hub_username"],
            registry_url=project["registry_url"],
            **values,
        )
        for name, values in found.items()
    }


def before_of(merged: Layer) -> Mapping[str, tuple[str, ...]]:
    """Service → the lines of its ``before_deploy``, where it has any."""
    given: dict[str, Any] = {keys[1]: given.value for keys, given in merged.items() if keys[2:] == ("before_deploy",)}
    return given


def _put(values: dict[str, Any], keys: Keys, given: Given, base: Base | None) -> None:
    if len(keys) > 1:
        values[_TABLES[keys[0]]][keys[1]] = given.value
    elif keys and keys[0] in SERVICE:
        is_path = SERVICE[keys[0]] is UNIT_PATH
        values[FIELDS.get(keys[0], keys[0])] = _path(keys[0], given, base) if is_path else given.value


def _path(key: str, given: Given, base: Base | None) -> str:
    """A path on the machine that the unit runs on; ConfigError for one that systemd would pass over.

    A relative one that has no base is the templates' to refuse: those that have no use for it don't look at it.
    """
    path = base.resolved(str(given.value)) if base else str(given.value)
    if path.startswith("/") and (fault := path_fault(path)):
        raise ConfigError(f"{given.source}: {key} {quoted(path)} can't be used: {fault}")
    return path
