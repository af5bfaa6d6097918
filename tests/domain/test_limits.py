"""Each limit of a service's settings at its edges, and that the settings file, ``--set`` and templates all keep it."""

from __future__ import annotations

from typing import Any

import pytest

from deployster_cli.domain import limits
from deployster_cli.domain.limits import SERVICE
from deployster_cli.domain.templates.variables import values
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.errors import InvalidInput

STAMP = Stamp("carousel", "v1", 1, "2026-01-02T03:04:05Z", "ada@laptop", "docker")

EDGES: list[tuple[str, object, bool]] = [
    ("memory", "6m", True),
    ("memory", "6291456", True),
    ("memory", "6291455", False),
    ("memory", "6144k", True),
    ("memory", "6143k", False),
    ("memory", "1k", False),
    ("memory", "1048576g", True),
    ("memory", "1048577g", False),
    ("memory", "0g", False),
    ("memory", "1t", False),
    ("cpu", 0.01, True),
    ("cpu", 0.009, False),
    ("cpu", 1024, True),
    ("cpu", 1024.1, False),
    ("port", 1, True),
    ("port", 0, False),
    ("port", 65535, True),
    ("port", 65536, False),
    ("restart", "on-failure", True),
    ("restart", "never", False),
    ("machine_metadata", ["zone=z1"], True),
    ("machine_metadata", ["zone=z1=z2"], False),
    ("machine_metadata", ["zone="], False),
    ("machine_metadata", ["a=b c=d"], False),
    ("health", "/up?deep=1", True),
    ("health", "/a b", False),
    ("health", "up", False),
    ("secrets", ["_A1"], True),
    ("secrets", ["1A"], False),
]


@pytest.mark.parametrize(("setting", "value", "fits"), EDGES)
def test_the_settings_file_keeps_it(setting: str, value: object, fits: bool) -> None:
    assert (SERVICE[setting].fault(value) == "") is fits


@pytest.mark.parametrize(("setting", "value", "fits"), EDGES)
def test_templates_keep_it(setting: str, value: object, fits: bool) -> None:
    given: dict[str, Any] = {setting: tuple(value) if isinstance(value, list) else value}
    service = Service("carousel")._replace(**given)
    try:
        values(UnitName("carousel", "v1", 1), service, STAMP)
    except InvalidInput:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(("count", "fits"), [(1, True), (1000, True), (0, False), (1001, False)])
def test_the_settings_file_takes_as_many_instances_as_a_flag(count: int, fits: bool) -> None:
    assert (SERVICE["instances"].fault(count) == "") is fits


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/srv/carousel", ""),
        ("/srv/a..b", ""),
        ("srv", "an absolute path without .. is wanted."),
        ("/srv/..", "an absolute path without .. is wanted."),
        ("/srv ", "an absolute path without .. is wanted."),
        ("/srv\\", "an absolute path without .. is wanted."),
        (f"/{'é' * 127}x", ""),
        (f"/{'é' * 128}", f"a part of it is over {limits.LONGEST_PART} bytes long."),
    ],
)
def test_a_path_that_systemd_would_pass_over_is_known(path: str, fault: str) -> None:
    assert limits.path_fault(path) == fault
