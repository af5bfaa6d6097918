"""The settings that hold a service in: memory, cpu, restart, global, secrets, from the file and from --set."""

from __future__ import annotations

import pytest

from deployster_cli.config.overrides import with_settings
from deployster_cli.domain.limits import SERVICE
from deployster_cli.domain.units.model import Service
from deployster_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ("memory=512m", "memory", "512m"),
        ("cpu=0.5", "cpu", 0.5),
        ("cpu=2", "cpu", 2.0),
        ("restart=no", "restart", "no"),
        ("global=true", "global_", True),
        ("secrets=A,B_2", "secrets", ("A", "B_2")),
    ],
)
def test_a_setting_is_given_on_the_command_line(given: str, field: str, value: object) -> None:
    assert getattr(with_settings(Service("a"), [given], None), field) == value


@pytest.mark.parametrize(
    "given", ["memory=lots", "memory=512M", "cpu=0", "cpu=half", "cpu=-1", "restart=yes", "global=2", "secrets=A-B"]
)
def test_a_setting_that_can_not_be_kept_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match=f"^--set {given.partition('=')[0]} must be "):
        with_settings(Service("a"), [given], None)


@pytest.mark.parametrize(("key", "value"), [("cpu", True), ("cpu", "1"), ("cpu", float("nan")), ("cpu", 1025)])
def test_a_value_of_the_file_that_can_not_be_kept_is_refused(key: str, value: object) -> None:
    assert SERVICE[key].fault(value).startswith("must be a number of processors from 0.01 to 1024")


@pytest.mark.parametrize(("key", "value"), [("cpu", 1), ("cpu", 0.01), ("memory", "2g"), ("restart", "on-failure")])
def test_a_value_of_the_file_is_taken(key: str, value: object) -> None:
    assert SERVICE[key].fault(value) == ""
