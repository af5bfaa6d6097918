"""A secret gets into the unit, and no command shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Shell

VALUE = 'cor"rect horse'


@pytest.fixture
def secretive(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The shell with a service that has a secret, and the environment that has it too."""
    with (tmp_path / "deployster.toml").open("a") as file:
        file.write('secrets = ["TOKEN"]\n')
    monkeypatch.setenv("TOKEN", VALUE)
    return shell


def test_the_unit_has_it(secretive: Shell) -> None:
    secretive("deploy carousel 9f88701")
    name = secretive.engine.units()[0].name
    file = secretive.engine.cat(name)
    assert file
    assert '"TOKEN=cor\\"rect horse"' in file.values("Service", "Environment")


@pytest.mark.parametrize(
    "line",
    [
        "deploy carousel 9f88701",
        "deploy carousel 9f88701 --dry-run",
        "deploy carousel 9f88701 -o json",
        "deploy carousel 9f88701 --set nothing=1",
        "plan carousel 9f88701",
        "render carousel 9f88701",
        "render carousel 9f88701 -o json",
        "render carousel 9f88701 --set health=no",
        "diff carousel a41c9e2",
        "diff carousel a41c9e2 -o json",
        "units -o wide",
        "history carousel",
        "restart carousel",
        "scale carousel 2 --yes",
        "destroy carousel 9f88700 --yes",
    ],
)
def test_no_command_shows_it(secretive: Shell, line: str) -> None:
    secretive("deploy carousel 9f88700")
    _, out, err = secretive(line)
    assert "rect horse" not in out + err


def test_a_deploy_says_once_where_it_lands(secretive: Shell) -> None:
    said = "TOKEN: its value stands in the unit file in the clear"
    assert secretive("deploy carousel 9f88701")[2].count(said) == 1


def test_rendering_shows_that_there_is_one(secretive: Shell) -> None:
    assert 'Environment="TOKEN=***"' in secretive("render carousel 9f88701")[1]


def test_without_it_nothing_is_started(secretive: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN")
    code, _, err = secretive("deploy carousel 9f88701")
    assert (code, "takes 'TOKEN' from your environment" in err, secretive.engine.units()) == (2, True, ())


def test_what_only_looks_needs_no_secret(secretive: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    secretive("deploy carousel 9f88701")
    monkeypatch.delenv("TOKEN")
    assert secretive("units carousel")[0] == 0
