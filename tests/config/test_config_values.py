"""--set and --env: typed as the file is, and refused in one sentence that repeats no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployster_cli.domain.units.model import Service
from deployster_cli.errors import InvalidInput
from tests.config.given import PROJECT, Load


def with_values(load: Load, *sets: str, env: tuple[str, ...] = (), text: str = PROJECT) -> Service:
    found = load(text)
    return found.with_values(found.service("carousel"), sets, env)


@pytest.mark.parametrize(
    ("sets", "key", "value"),
    [
        (("port=4000",), "port", 4000),
        (("port=1", "port=2"), "port", 2),
        *(((f"conflicts={word}",), "conflicts", True) for word in ("true", "yes", "1", "YES")),
        *(((f"conflicts={word}",), "conflicts", False) for word in ("false", "no", "0", "No")),
        (("command=a=b, c",), "command", "a=b, c"),
        (("machine_metadata=zone=z1,disk=ssd",), "machine_metadata", ("zone=z1", "disk=ssd")),
        (("machine_metadata=zone=z1", "machine_metadata=disk=ssd"), "machine_metadata", ("zone=z1", "disk=ssd")),
        (("volumes=",), "volumes", ()),
        (("registry_url=host:5000",), "registry_url", "host:5000"),
        (("colour=blue", "size="), "extra", {"colour": "blue", "size": ""}),
    ],
)
def test_set_is_typed_as_the_file_is(load: Load, sets: tuple[str, ...], key: str, value: object) -> None:
    assert getattr(with_values(load, *sets), key) == value


def test_set_starts_a_relative_folder_where_the_run_started(load: Load, tmp_path: Path) -> None:
    assert with_values(load, "directory=new").directory == f"{tmp_path}/new"


def test_env_goes_over_the_files(load: Load) -> None:
    assert with_values(load, env=("LANG=de=1", "X=")).env == {"RAILS_ENV": "production", "LANG": "de=1", "X": ""}


def test_nothing_given_changes_nothing(load: Load) -> None:
    assert with_values(load) == load(PROJECT).service("carousel")


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("port=abc",), "--set port must be a whole number from 1 to 65535, not 'abc'."),
        (("port=٤",), "--set port must be a whole number from 1 to 65535, not '٤'."),
        (("port",), "--set takes NAME=VALUE; argument 1 has no '='."),
        (("port=1", "=x"), "--set takes NAME=VALUE; argument 2 has no name."),
        (("command=a\nb",), r"--set command must be text on one line, not 'a\nb'."),
        (("volumes=/a:/b:ro,z",), "--set volumes must be a list of [SOURCE:]/TARGET[:OPTIONS], not '/a:/b:ro, z'."),
        (("colour=a\x1bb",), "--set colour must be text on one line, without control characters."),
        (("colour=\udcff",), "--set colour must be text on one line, without control characters."),
        (("a b=c",), "--set: 'a b' can't name a setting: letters, digits and _, no digit first."),
        (("env=A",), "--set can't give env: use --env NAME=VALUE."),
    ],
)
def test_a_set_that_can_not_be_used_is_one_sentence(load: Load, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        with_values(load, *sets)
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("hunter2", "--env takes NAME=VALUE; argument 1 has no '='."),
        ("TOKEN=hunter2\nExecStart=/bin/sh", "--env TOKEN must be text on one line, without control characters."),
        ("1A=hunter2", "--env: '1A' can't name an environment variable: letters, digits and _, no digit first."),
    ],
)
def test_an_env_that_can_not_be_used_is_one_sentence_without_its_value(load: Load, env: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        with_values(load, env=(env,))
    assert caught.value.message == said


@given(value=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_of_set_or_env_ever_brings_a_second_line(load: Load, value: str) -> None:
    try:
        found = with_values(load, f"colour={value}", env=(f"X={value}",), text="")
    except InvalidInput:
        return
    assert (found.env["X"] + "x").splitlines() == [found.extra["colour"] + "x"]
