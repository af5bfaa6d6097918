"""Names: what is taken is written again exactly as it stood, by every way that a name comes in."""

from __future__ import annotations

from collections.abc import Callable

import click

from deployster_cli.cli.options import number
from deployster_cli.domain.lock import unit_name
from deployster_cli.domain.units.names import (
    LONGEST_UNIT_NAME,
    MOST_INSTANCES,
    UnitName,
    check_service,
    check_version,
    image,
)
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.images import DOCKER_HUB, Reference
from deployster_cli.operations.ssh import parse_target
from tests.fuzz.target import Target, read

LOW, HIGH = 1, 1000


def names(data: bytes) -> bool:
    """The whole as each kind of name, and its lines as the parts of one. Bytes that are no UTF-8 come as in an argv."""
    text = data.decode(errors="surrogateescape")
    taken = [kind(text) for kind in _KINDS]
    parts = text.split("\n")
    return any((*taken, _from_parts(*parts) if len(parts) == len(("service", "version", "instance")) else False))


def _service(text: str) -> bool:
    service = read(lambda: check_service(text), InvalidInput)
    if service is None:
        return False
    assert service == text
    assert text.isascii()
    assert UnitName.parse(unit_name(service)) is None, "no lock is an instance"
    return True


def _version(text: str) -> bool:
    version = read(lambda: check_version(text), InvalidInput)
    assert version in (None, text)
    return version is not None


def _unit(text: str) -> bool:
    name = UnitName.parse(text)
    if name is None:
        return False
    assert name.text == text
    assert UnitName.checked(name.service, name.version, name.instance) == name._replace(made="")
    return True


def _from_parts(service: str, version: str, instance: str) -> bool:
    if not (instance.isascii() and instance.isdigit() and len(instance) < len(str(MOST_INSTANCES)) + 2):
        return False
    name = read(lambda: UnitName.checked(service, version, int(instance)), InvalidInput)
    if name is None:
        return False
    assert (name.service, name.version) == (service, version)
    assert UnitName.parse(name.text) == name
    assert len(name.text) <= LONGEST_UNIT_NAME
    _check_image(service, version)
    return True


def _check_image(service: str, version: str) -> None:
    for registry in ("host:5000", "localhost", "[::1]:5000", "registry.example.com", "127.0.0.1"):
        found = Reference.parse(image(service, version, registry_url=registry))
        assert (found.registry, found.name, found.tag) == (registry, service, version)
    hub = Reference.parse(image(service, version, docker_hub_username="acme"))
    assert (hub.registry, hub.name, hub.tag) == (DOCKER_HUB, f"acme/{service}", version)


def _target(text: str) -> bool:
    found = read(lambda: parse_target(text), InvalidInput)
    if found is None:
        return False
    service, instance = found
    assert instance is None or 1 <= instance <= MOST_INSTANCES
    assert text == (service if instance is None else f"{service}@{instance}")
    return True


def _number(text: str) -> bool:
    found = read(lambda: number(LOW, HIGH)(text), click.BadParameter)
    if found is None:
        return False
    assert LOW <= found <= HIGH
    assert text == str(found)
    return True


_KINDS: tuple[Callable[[str], bool], ...] = (_service, _version, _unit, _target, _number)

SEEDS = (
    *(b"carousel", b"9f88701", b"carousel-9f88701@1.service", rb"my-app-v1\x2drc\x2d2@3.service", b"carousel@2", b"12"),
    b"carousel:9f88701:2015.03.02-00.31.45@1.service",
    *(b"carousel\n9f88701\n1", b"my-app\nv1-rc-2\n999999", b"a.b_c-d\n_.-\n10"),
)
WORDS = (
    *(rb"\x2d", b"-", b"@", b".service", b"\n", b"_", b".", b"--", b"0", b"999999", b"1000000", b"1_0", b"+1", b" 1"),
    *(
        "\u0661".encode(),
        b"\xff",
        b"\x00",
        b"a" * 64,
        b"9" * 20,
        b"/",
        b":",
        b"deployster-lock-",
        b":2015.03.02-00.31.45@",
    ),
)

TARGET = Target(names, SEEDS, WORDS)
