"""Guessing an instance's file from another's: right for our templates, and never right for what only looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.templates.render import Templates
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile, sibling
from deployster_cli.operations.templates import load
from tests.simulation import stamped, unstamped

TEMPLATES = Templates(load(None))
AT = "2026-01-01T00:00:00Z"
PROCESS = Service("carousel", template="process", command="exec ./serve", directory="/srv/{version}")


def file(service: Service, version: str, instance: int, port: int | None = None) -> UnitFile:
    name = UnitName(service.name, version, instance)
    stamp = Stamp(service.name, version, instance, AT, "ann", service.template, instances=12, port=port)
    return TEMPLATES.renderer(service)(name, stamp)


@pytest.mark.parametrize("instance", [2, 11, 100_000])
@pytest.mark.parametrize("version", ["9f88701", "v1.2-rc.1", "1"])
@pytest.mark.parametrize(
    ("service", "port"),
    [
        (PROCESS, 20001),
        (PROCESS._replace(health="/up", env={"A": "1", "B": "2%"}), 20001),
        (Service("carousel", command="serve --fast", volumes=("/data:/data",)), None),
        (Service("car-1", template="docker-vulcand", port=3000, health="/up"), None),
    ],
)
def test_it_is_what_a_template_of_ours_renders(service: Service, port: int | None, version: str, instance: int) -> None:
    other = None if port is None else port + instance % 7
    found = sibling(file(service, version, 1, port), UnitName(service.name, version, instance), other)
    assert found == file(service, version, instance, other).text


def test_it_is_another_where_anything_else_differs() -> None:
    one, two = (file(PROCESS, "v1", n, 20000 + n) for n in (1, 2))
    later = two.stamped(replace(two.stamp, deployed_at="2026-01-02T00:00:00Z"))  # type: ignore[type-var, arg-type]
    assert sibling(one, two.name, 20002) not in {later.text, unstamped(two.name).text}


@pytest.mark.parametrize(("has", "wanted"), [(20001, None), (None, 20002)])
def test_a_unit_with_a_port_tells_nothing_of_one_without(has: int | None, wanted: int | None) -> None:
    one, two = file(PROCESS, "v1", 1, has), file(PROCESS, "v1", 2, wanted)
    assert sibling(one, two.name, 20002 if wanted is None else None) != two.text


def test_a_copy_that_only_its_description_calls_another_is_not_guessed() -> None:
    one, two = stamped(UnitName("carousel", "v1", 1)), UnitName("carousel", "v1", 2)
    described = UnitFile(two, (("Unit", "Description", two.title), *one.options))
    assert sibling(one, two, None) != described.text
