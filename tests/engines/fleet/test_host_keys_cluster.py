"""Host keys of a real cluster's machines: the tunnel's, and those that journals come from."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.engines.fleet.ssh.host_keys import Asking, HostKey, asked
from deployster_cli.errors import EngineUnreachable

pytestmark = pytest.mark.fleet


@pytest.fixture
def strict(fleet_options: FleetOptions, tmp_path: Path) -> FleetOptions:
    """The cluster's API without a tunnel, and no machine known."""
    if "SSH_AUTH_SOCK" not in os.environ:
        pytest.skip("no ssh-agent: SSH_AUTH_SOCK is not set")
    return fleet_options._replace(strict_host_key_checking=True, known_hosts_file=str(tmp_path / "known_hosts"))


def test_the_tunnels_key_and_then_those_behind_it_are_asked_about(strict: FleetOptions) -> None:
    host = urlsplit(strict.endpoint).hostname or ""
    engine = FleetEngine(strict._replace(tunnel=host, endpoint="unix:///var/run/fleet.sock"))
    shown: list[str] = []

    def yes(key: HostKey) -> bool:
        shown.append(key.host)
        return True

    with asked(Asking(yes, machines=True)):
        machines = engine.machines()
        assert [engine.run_shell(machine, "echo hello") for machine in machines] == ["hello\n"] * len(machines)
    assert (shown[0], sorted(shown)) == (host, sorted(machine.ip for machine in machines))


def test_a_machine_that_nobody_knows_is_not_reached(strict: FleetOptions) -> None:
    engine = FleetEngine(strict)
    machine = engine.machines()[0]
    with pytest.raises(EngineUnreachable, match=rf"The ssh host key of {machine.ip} is not known here"):
        engine.run_shell(machine, "true")


def test_a_machines_changed_key_is_told_with_its_line(strict: FleetOptions) -> None:
    engine = FleetEngine(strict)
    machine = engine.machines()[0]
    old = "AAAAC3NzaC1lZDI1NTE5AAAAIFMgPdXoPdpz5zn22/eT7ZOVORVCXiV4c9M/qSsZCcX3"
    Path(strict.known_hosts_file).write_text(f"{machine.ip} ssh-ed25519 {old}\n")
    with pytest.raises(EngineUnreachable, match=rf"KEY OF {machine.ip} HAS CHANGED: it is not the one in line 1 of"):
        engine.run_shell(machine, "true")
