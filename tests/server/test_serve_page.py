"""docs/serve.md: what it says to type does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deployster_cli.config.load import ServeOptions, Settings, load
from deployster_cli.domain.change import Change, Verb
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.operations.change import Operation
from deployster_cli.operations.clock import SystemClock
from tests.server import test_seed
from tests.server.process_given import started

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text()


def blocks(kind: str) -> list[str]:
    """The page's blocks of code of this kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def typed(program: str) -> list[str]:
    """What stands behind a ``$`` and begins with this program, in order."""
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith(f"$ {program} ")]


@pytest.mark.process
def test_the_server_starts_as_the_page_says(tmp_path: Path) -> None:
    (password := tmp_path / "password").write_text("a-password-of-the-test\n")
    [line] = typed("deployster")
    options = shlex.split(line.replace("/etc/deployster/password", str(password)))[2:]
    with started(tmp_path, *options, DEPLOYSTER_SERVE_PASSWORD="") as server:
        assert server.url


def test_the_lines_for_curl_are_those_that_are_run_against_a_server() -> None:
    assert typed("curl") == [test_seed.DEPLOY, test_seed.DESTROY, test_seed.UNITS]


@pytest.fixture
def on_a_machine(tmp_path: Path) -> Settings:
    """The settings by which the page has the server itself deployed."""
    [text] = [block for block in blocks("toml") if "[services.deployster]" in block]
    (tmp_path / "deployster.toml").write_text(text)
    return load({}, {}, tmp_path)


def test_the_server_as_a_service_starts_in_its_folder_with_its_port_and_its_password_file(
    on_a_machine: Settings,
) -> None:
    Operation(on_a_machine, Change(Verb.DEPLOY, "deployster", "1"), SystemClock()).check()
    service = on_a_machine.service("deployster")
    assert (service.port, service.env_file, service.health) == (3000, "/etc/deployster.env", "/healthz")


def test_on_a_machine_it_talks_to_fleet_where_the_page_says() -> None:
    assert f"`{FleetOptions().endpoint or 'unix:///var/run/fleet.sock'}`, the default" in PAGE


@pytest.mark.parametrize("name", ["listen", "username"])
def test_the_tables_defaults_are_the_programs(name: str) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `--{name} ")]
    assert f"`{getattr(ServeOptions(), name)}`" in row


def test_every_option_of_serve_has_a_row() -> None:
    from deployster_cli.commands.serve import cli

    own = {"listen", "username", "password", "password_file", "cert", "key", "state", "docker_hub_username"}
    options = {f"--{param.name.replace('_', '-')}" for param in cli.params if param.name in own}
    rows = {
        option for line in PAGE.splitlines() if line.startswith("| `--") for option in re.findall("--[a-z-]+", line)
    }
    assert options <= rows
