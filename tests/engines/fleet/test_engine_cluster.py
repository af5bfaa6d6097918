"""The engine against a real cluster."""

from __future__ import annotations

import os
import socket
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployster_cli.domain.units.model import Condition, State
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.errors import EngineError, EngineUnreachable
from tests.fleet_cluster import LOOP, Cluster

pytestmark = pytest.mark.fleet

AWKWARD = (
    "[Service]",
    """ExecStart=/bin/sh -c "echo '%%h' \\"x\\" $$HOME; sleep 1000\"""",
    "ExecStart=",
    "ExecStart=/bin/sleep  1000 \\",
    "# a comment",
    "   --flag",
    'Environment="A=b c" "D=é ü 漢" E=\\x2d',
    "Environment=",
    "SyslogIdentifier=a=b==c;d#e",
    "[X-Deployster]",
    "Version=v1",
    "[Service]",
    "ExecReload=/bin/echo " + "y" * 2000,
)


@pytest.fixture
def ssh_agent() -> None:
    if "SSH_AUTH_SOCK" not in os.environ:
        pytest.skip("no ssh-agent: SSH_AUTH_SOCK is not set")


@pytest.fixture
def tunnel(fleet_options: FleetOptions, ssh_agent: None) -> FleetOptions:
    """By way of ssh to the machine whose API the tests use, and there by its socket."""
    host = urlsplit(fleet_options.endpoint).hostname or ""
    return fleet_options._replace(tunnel=host, endpoint="unix:///var/run/fleet.sock")


def test_the_cluster_can_be_used(cluster: Cluster) -> None:
    assert cluster.engine.check() == ""


def test_machines_have_metadata(cluster: Cluster) -> None:
    assert all(machine.metadata for machine in cluster.engine.machines())


def test_three_units_are_started_at_once_and_run(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(n) for n in (1, 2, 3)])
    assert cluster.until(cluster.conditions, [Condition.RUNNING] * 3) == [Condition.RUNNING] * 3


def test_a_global_unit_runs_on_every_machine_and_is_stopped_and_gone_on_every_machine(cluster: Cluster) -> None:
    file = cluster.file(1, "[Service]", f"ExecStart={LOOP}", "[X-Fleet]", "Global=true")
    machines = {machine.id for machine in cluster.engine.machines()}

    def seen() -> set[tuple[str, Condition]]:
        copies = (copy for unit in cluster.units() for copy in unit.copies)
        return {(copy.machine.id, copy.condition) for copy in copies if copy.machine}

    def everywhere(condition: Condition) -> set[tuple[str, Condition]]:
        return {(machine, condition) for machine in machines}

    cluster.engine.start([file])
    assert cluster.until(seen, everywhere(Condition.RUNNING)) == everywhere(Condition.RUNNING)
    cluster.engine.stop([file.name])
    assert cluster.until(seen, everywhere(Condition.STOPPED)) == everywhere(Condition.STOPPED)
    cluster.engine.destroy([file.name])
    assert cluster.until(cluster.units, ()) == ()


def test_ports_are_those_of_the_units(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(4001), cluster.file(4002)])
    assert {7001, 7002} <= {unit.port for unit in cluster.engine.units()}


def test_what_was_put_in_comes_back(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1, *AWKWARD)])
    assert cluster.engine.cat(cluster.name(1)) == cluster.file(1, *AWKWARD)


def test_our_hash_is_fleets(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1, *AWKWARD)])
    assert [unit.hash for unit in cluster.units()] == [cluster.file(1, *AWKWARD).hash]


def test_the_same_start_again_is_fine(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1, *AWKWARD)])
    cluster.engine.start([cluster.file(1, *AWKWARD)])
    assert len(cluster.units()) == 1


def test_other_content_starts_nothing(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1)])
    with pytest.raises(EngineError, match="other content: nothing was started"):
        cluster.engine.start([cluster.file(2), cluster.file(1, "[Service]", "ExecStart=/bin/sleep 9")])
    assert cluster.engine.cat(cluster.name(2)) is None


def test_a_crash_a_slow_start_and_no_fitting_machine_are_told_apart(cluster: Cluster) -> None:
    cluster.engine.start(
        [
            cluster.file(1, "[Service]", "ExecStart=/bin/false"),
            cluster.file(2, "[Service]", "ExecStartPre=/bin/sleep 20", "ExecStart=/bin/sleep 60"),
            cluster.file(3, "[Service]", "ExecStart=/bin/sleep 60", "[X-Fleet]", "MachineMetadata=zone=none"),
        ]
    )
    wanted = [Condition.FAILED, Condition.STARTING, Condition.WAITING]
    assert cluster.until(lambda: (cluster.conditions(), cluster.units()[1].sub), (wanted, "start-pre"))[0] == wanted


def test_stop_passes_over_a_unit_that_waits_for_a_machine(cluster: Cluster) -> None:
    waits = cluster.file(1, "[Service]", "ExecStart=/bin/sleep 60", "[X-Fleet]", "MachineMetadata=zone=none")
    cluster.engine.start([waits, cluster.file(2)])
    cluster.until(cluster.conditions, [Condition.WAITING, Condition.RUNNING])
    cluster.engine.stop([cluster.name(1), cluster.name(9), cluster.name(2)])
    assert cluster.until(cluster.conditions, [Condition.STOPPED] * 2) == [Condition.STOPPED] * 2


def test_a_stopped_unit_runs_again_once_resumed(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    cluster.engine.stop([cluster.name(1)])
    cluster.until(cluster.conditions, [Condition.STOPPED])
    cluster.engine.resume([cluster.name(1)])
    assert cluster.until(cluster.conditions, [Condition.RUNNING]) == [Condition.RUNNING]


def test_an_unloaded_unit_is_on_no_machine_and_still_in_the_registry(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    cluster.engine.stop([cluster.name(1)])
    cluster.until(cluster.conditions, [Condition.STOPPED])
    cluster.engine.unload([cluster.name(1), cluster.name(9)])
    places = cluster.until(lambda: [(u.machine, u.current) for u in cluster.units()], [(None, State.INACTIVE)])
    assert places == [(None, State.INACTIVE)]


def test_destroyed_units_are_gone_and_unknown_names_are_fine(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    cluster.engine.destroy([cluster.name(9), cluster.name(1)])
    assert cluster.until(cluster.conditions, []) == []


def test_a_name_used_again_shows_nothing_of_the_run_before(cluster: Cluster) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    cluster.engine.destroy([cluster.name(1)])
    cluster.engine.start([cluster.file(1, "[Service]", "ExecStart=/bin/sleep 999")])
    (now,) = cluster.conditions()
    assert now in {Condition.WAITING, Condition.STARTING}  # as quick as the cluster is


def test_an_endpoint_that_refuses_is_unreachable(cluster: Cluster, fleet_options: FleetOptions) -> None:
    engine = FleetEngine(FleetOptions(endpoint=fleet_options.endpoint.rpartition(":")[0] + ":9"))
    with pytest.raises(EngineUnreachable, match="connection refused"):
        engine.units()


def test_an_endpoint_that_accepts_and_says_nothing_is_unreachable(fleet_options: FleetOptions) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        engine = FleetEngine(fleet_options._replace(endpoint=endpoint, read_timeout=1))
        with pytest.raises(EngineUnreachable, match="gave no answer within 1 s"):
            engine.units()


def test_units_are_the_same_through_a_tunnel(cluster: Cluster, tunnel: FleetOptions) -> None:
    cluster.engine.start([cluster.file(1)])
    assert cluster.name(1) in [unit.name for unit in FleetEngine(tunnel).units()]


def test_an_unknown_host_key_is_asked_of_nobody(tunnel: FleetOptions, tmp_path: Path) -> None:
    options = tunnel._replace(strict_host_key_checking=True, known_hosts_file=str(tmp_path / "known_hosts"))
    assert "is not known here; it shows the fingerprint" in FleetEngine(options).check()


def test_the_journal_of_a_unit(cluster: Cluster, ssh_agent: None) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    assert any(line.endswith("hello") for line in cluster.engine.journal(cluster.name(1)))


def test_a_followed_journal_begins_with_its_last_lines(cluster: Cluster, ssh_agent: None) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    entries = cluster.engine.entries(cluster.name(1), 2, follow=True)
    assert "hello" in {entry.text for entry in islice(entries, 2)}  # systemd's own line is before it or behind


def test_a_units_exit_code(cluster: Cluster, ssh_agent: None) -> None:
    cluster.engine.start([cluster.file(1, "[Service]", "Type=oneshot", "ExecStart=/bin/sh -c 'exit 7'")])
    cluster.until(cluster.conditions, [Condition.FAILED])
    assert cluster.engine.exit_code(cluster.name(1)) == 7


def test_a_machine_answers_a_shell_line(cluster: Cluster, ssh_agent: None) -> None:
    assert cluster.engine.run_shell(cluster.engine.machines()[0], 'echo $((6 * 7)); echo "a  \'b"') == "42\na  'b\n"


def test_a_command_on_the_units_machine_gives_its_exit_code(cluster: Cluster, ssh_agent: None) -> None:
    cluster.engine.start([cluster.file(1)])
    cluster.until(cluster.conditions, [Condition.RUNNING])
    assert cluster.engine.exec(cluster.name(1), ("sh", "-c", "exit  7")) == 7


def test_a_global_unit_has_a_journal_and_a_shell_on_each_machine(cluster: Cluster, ssh_agent: None) -> None:
    machines = cluster.engine.machines()

    def copies() -> list[Condition]:
        return [copy.condition for unit in cluster.units() for copy in unit.copies]

    cluster.engine.start([cluster.file(1, "[Service]", f"ExecStart={LOOP}", "[X-Fleet]", "Global=true")])
    cluster.until(copies, [Condition.RUNNING] * len(machines))
    heard = [[entry.text for entry in cluster.engine.entries(cluster.name(1), 5, at=machine)] for machine in machines]
    codes = [cluster.engine.exec(cluster.name(1), ("sh", "-c", "exit 7"), machine) for machine in machines]
    assert (["hello" in texts for texts in heard], codes) == ([True] * len(machines), [7] * len(machines))
