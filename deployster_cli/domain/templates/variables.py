"""What a template may use: the values of one unit, each checked for what no unit file and no command line may hold."""

from __future__ import annotations

from collections.abc import Iterator

from deployster_cli.domain import limits
from deployster_cli.domain.templates.escaping import unwritable
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName, check_version, quoted
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.errors import InvalidInput

# Every name that all templates have, in the order in which docs/templates.md lists them.
NAMES = (
    "service",
    "version",
    "instance",
    "unit",
    "container",
    "image",
    "description",
    "port",
    "machine_port",
    "health",
    "command",
    "directory",
    "volumes",
    "env",
    "env_file",
    "machine_metadata",
    "conflicts",
    "global",
    "memory",
    "cpu",
    "restart",
    "secrets",
    "docker_hub_username",
    "registry_url",
    "previous",
)

TASK = "the command given to task, --before or before_deploy"


def values(name: UnitName, service: Service, stamp: Stamp) -> dict[str, object]:
    """Return the values for a template by name, NAMES first and then the service's --set values.

    ``machine_port`` is the stamp's port, the one of its machine that this unit alone has; ``port`` is that one too, or
    else the service's setting. InvalidInput names the setting that can't be used and says why.
    """
    _check(service, stamp)
    known: dict[str, object] = {
        "service": service.name,
        "version": name.version,
        "instance": name.instance,
        "unit": name.text,
        "container": name.container,
        "image": service.image(name.version),
        "description": name.title,
        "port": service.port if stamp.port is None else stamp.port,
        "machine_port": stamp.port,
        "health": service.health,
        "command": _filled_in(service.command, service, name),
        "directory": _filled_in(service.directory, service, name),
        "volumes": service.volumes,
        "env": dict(service.env),
        "env_file": service.env_file,
        "machine_metadata": service.machine_metadata,
        "conflicts": service.conflicts,
        "global": service.global_,
        "memory": service.memory,
        "cpu": service.cpu,
        "restart": service.restart,
        "secrets": service.secrets,
        "docker_hub_username": service.docker_hub_username,
        "registry_url": service.registry_url,
        "previous": stamp.previous,
    }
    return known | dict(service.extra)


def given_by(service: Service, name: str) -> str:
    """Return what gives a template this value beside NAMES: a task its command, --set or the file any other."""
    return TASK if (service.template, name) == ("task", "task") else f"--set or [services.{service.name}.set]"


def _filled_in(text: str, service: Service, name: UnitName) -> str:
    """``{service}``, ``{version}`` and ``{instance}`` replaced; a shell's own braces are none of our business."""
    for placeholder, value in (("service", service.name), ("version", name.version), ("instance", str(name.instance))):
        text = text.replace(f"{{{placeholder}}}", value)
    return text


def _check(service: Service, stamp: Stamp) -> None:
    for setting, text in _texts(service, stamp):
        if unwritable(text):
            raise InvalidInput(f"{setting} has a line break or control character in it, which no unit file can hold.")
    _check_stamp(stamp)
    for setting, kind in (*limits.SERVICE.items(), *limits.OWNERS.items()):
        value = getattr(service, limits.FIELDS.get(setting, setting))
        if value is not None and (fault := kind.fault(list(value) if isinstance(value, tuple) else value)):
            raise InvalidInput(f"{setting} {fault}.")
    _check_paths(service)
    _check_names(service)


def _texts(service: Service, stamp: Stamp) -> Iterator[tuple[str, str]]:
    """Every text that comes from outside, with the setting it is."""
    yield "deployed_at", stamp.deployed_at
    yield "deployed_by", stamp.deployed_by
    for setting in ("health", "command", "directory", "env_file", "docker_hub_username", "registry_url"):
        yield setting, getattr(service, setting)
    for setting, entries in (("volumes", service.volumes), ("machine_metadata", service.machine_metadata)):
        yield from ((setting, entry) for entry in entries)
    for key, value in service.env.items():
        yield "a name in env", key
        yield f"env {key}", value
    for key, value in service.extra.items():
        yield "a name in --set", key
        yield (TASK if given_by(service, key) == TASK else f"--set {key}"), value


def _check_stamp(stamp: Stamp) -> None:
    if stamp.port is not None and (fault := limits.SERVICE["port"].fault(stamp.port)):
        raise InvalidInput(f"port {fault}.")
    for version in stamp.previous:
        check_version(version)
    for what, text in (("deployed_at", stamp.deployed_at), ("deployed_by", stamp.deployed_by)):
        if text != text.strip() or text.endswith("\\"):
            raise InvalidInput(f"{what} {quoted(text)} can't be written down: no space at its ends, no backslash last.")


def _check_paths(service: Service) -> None:
    for setting, path in (("directory", service.directory), ("env_file", service.env_file)):
        if path and (fault := limits.path_fault(path)):
            raise InvalidInput(f"{setting} {quoted(path)} can't be used: {fault}")


def _check_names(service: Service) -> None:
    for key in service.env:
        if fault := limits.name_fault(key, "an environment variable"):
            raise InvalidInput(f"env: {fault}.")
    for key in service.extra:
        fault = limits.name_fault(key, "a setting")
        if fault or key in NAMES:
            raise InvalidInput(f"--set: {fault or f'{key} is a name that all templates have'}.")
