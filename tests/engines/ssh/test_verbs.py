"""Verbs over ssh on three machines, by their command lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

SERVICES = """
[services.apart]
template = "process"
directory = "/"
command = "sleep 600"
instances = 3
conflicts = true
[services.fixed]
template = "process"
directory = "/"
command = "sleep 600"
instances = 3
port = 8080
[services.wide]
template = "process"
directory = "/"
command = "sleep 600"
global = true
machine_metadata = ["name=m1", "name=m2"]
"""
TICKING = "--set 'command=sh -c \"while :; do echo tick; sleep 1; done\"'"
PASSWORD = "a-password-of-the-test"  # noqa: S105 - no secret

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    machines.project(tmp_path, more=SERVICES)
    yield tmp_path
    names = ("carousel", "apart", "fixed", "wide")
    told(f"[(engine.locks.drop(name), engine.records.drop(name)) for name in {names}]")


@pytest.fixture
def run(machines: Machines, project: Path) -> Run:
    return lambda line, **more: machines.deployster(line, project, **more)


def deployed(run: Run, line: str) -> None:
    code, out, err = run(f"deploy {line} --settle 0s")
    assert code == 0, out + err


def test_conflicts_keep_instances_apart_and_stop_first_makes_room(run: Run) -> None:
    code, _, err = run("deploy apart v1 --instances 4")
    assert (code, "No machine fits apart v1 @4, so nothing was changed." in err) == (1, True)
    deployed(run, "apart v1")
    code, _, err = run("deploy apart v2 --destroy-previous")
    assert (code, err.splitlines()[-1]) == (1, "Where its earlier releases keep it away: --order stop-first.")
    deployed(run, "apart v2 --destroy-previous --order stop-first")


def test_a_fixed_port_is_on_a_machine_once(run: Run) -> None:
    deployed(run, "fixed v1")
    assert "Its port 8080 is taken on each that would." in run("deploy fixed v2 --destroy-previous")[2]
    assert {row.split("\t")[5] for row in run("units fixed -o plain")[1].splitlines()} == {"8080"}
    deployed(run, "fixed v2 --destroy-previous --order stop-first --batch-size 1")


def test_a_global_service_is_on_each_machine_that_fits(run: Run) -> None:
    deployed(run, "wide v1")
    rows = [row.split("\t") for row in run("units wide -o plain")[1].splitlines()]
    assert [(row[3], row[4]) for row in rows] == [("running", "m1"), ("running", "m2")]
    assert run("destroy wide v1 --yes")[0] == 0


def test_a_person_gets_onto_the_machine_of_an_instance(run: Run) -> None:
    deployed(run, "carousel v1")
    code, out, err = run("ssh carousel -- cat /etc/machine-id")
    assert (code, out) == (0, f"{1:032x}\n"), err
    assert run("ssh carousel -- false")[0] == 1
    assert run("unlock carousel")[0] == 0
    code, out, _ = run("task carousel v1 'echo done; exit 3'")
    assert (code, out) == (3, "done\n")


def test_a_failure_shows_nothing_of_an_earlier_one_with_the_same_name(run: Run) -> None:
    said = []
    for word in ("one", "two"):
        code, _, err = run(f"deploy carousel v1 --instances 1 --set 'command=sh -c \"echo try {word}; exit 1\"'")
        assert code == 1
        said.append(err)
    assert ("try one" in said[0], "try two" in said[1]) == (True, True), said
    journal = said[1].splitlines()
    assert not [line for line in journal if "]: try one" in line], said[1]


def test_a_journal_is_followed_on_once_its_machine_is_back(machines: Machines, project: Path, run: Run) -> None:
    deployed(run, f"carousel v1 {TICKING}")
    with machines.begun("logs carousel -f", project) as following:
        assert following.stdout
        assert any("@3 | tick" in line for line in following.stdout)
        with machines.cut_off(3):
            time.sleep(12)
        back = time.monotonic()
        list(zip(range(20), following.stdout, strict=False))  # what was on its way
        assert any("@3 | tick" in line for line in following.stdout)
        assert time.monotonic() - back < 40


def test_a_server_deploys_over_ssh_and_names_a_silent_machine(machines: Machines, project: Path, run: Run) -> None:
    netrc = project / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login deployster password {PASSWORD}\n")
    netrc.chmod(0o600)
    to, env = "--server http://127.0.0.1:18711", {"NETRC": str(netrc)}
    serving = {"DEPLOYSTER_SERVE_PASSWORD": PASSWORD}
    with machines.begun("serve --listen 127.0.0.1:18711", project, env=serving) as server:
        assert server.stderr
        assert any("listening" in line for line in server.stderr)
        code, out, err = run(f"deploy carousel v1 --settle 0s {to}", env=env)
        assert code == 0, out + err
        assert "did it" in run(f"task carousel v1 'echo did it' {to}", env=env)[1]
        assert run(f"history carousel {to}", env=env)[1].startswith("VERSION")
        with machines.cut_off(2):
            time.sleep(2)  # a listing may be a second old
            _, out, err = run(f"units carousel {to}", env=env)
        server.terminate()
    assert "unknown" in out
    assert "m2 does not answer" in err
