"""Folders and files that units need: the script that looks for them, and all verbs on machines that lack them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.needs import Prerequisite
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.ssh.prerequisites import look
from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import Machines

FILE = UnitFile(UnitName("web", "v1", 1), ())


@pytest.mark.process
def test_the_script_prints_what_is_not_there_or_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "a folder's").mkdir()
    (tmp_path / "file").touch()
    asked = [
        Prerequisite(FILE, f"{tmp_path}/{name}", folder)
        for name, folder in [("a folder's", True), ("file", False), ("file", True), ("$HOME", True), ("no.env", False)]
    ]
    argv = ["/bin/sh"]
    done = subprocess.run(argv, input=look(asked), capture_output=True, text=True, check=True, timeout=10)
    assert done.stdout.splitlines() == [f"{tmp_path}/{name}" for name in ("file", "$HOME", "no.env")]


# On machines

SERVICES = """
[services.web]
template = "process"
directory = "/srv/web/{version}"
command = "sleep 600"
instances = 3
[services.own]
template = "process"
directory = "/srv/web/v1"
command = "sleep 600"
env_file = "/etc/own.env"
machine_metadata = ["name=m2"]
"""
CURE = "Put it there first, or have a pre_deploy hook do it; the setting directory says where it belongs."
Run = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def run(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Run]:
    """A command line; /srv/web/v1 is on all machines, /srv/web/v2 on the second alone."""
    machines.project(tmp_path, more=SERVICES)
    for number, machine in enumerate(machines.each, 1):
        machine.run("mkdir", "-p", "/srv/web/v1", *(["/srv/web/v2"] if number == 2 else []))
    yield lambda line: machines.deployster(line, tmp_path)
    told("[(engine.locks.drop(name), engine.records.drop(name)) for name in ('web', 'own')]")


@pytest.mark.systemd
@pytest.mark.ssh
def test_what_machines_lack_is_told_before_anything_starts(machines: Machines, run: Run) -> None:
    code, out, err = run("deploy web v1 --settle 0s")
    assert code == 0, out + err
    lacks = "m1 and m3 have no folder /srv/web/v2."
    code, _, err = run("plan web v2")
    assert (code, f"{lacks} {CURE}" in err) == (0, True)
    code, _, err = run("deploy web v2 --destroy-previous")
    assert (code, err.splitlines()[-2:]) == (6, [f"Error: {lacks} Nothing was started.", CURE])
    code, out, _ = run("check web v2 -o plain")
    assert (code, f"files web\tFAULT\t{lacks}" in out) == (1, True), out
    assert "files web\tok\t/srv/web/v1" in run("check web v1 -o plain")[1]
    code, out, err = run("task web v9 -- hostname")
    assert (code, out, "m1 has no folder /srv/web/v9. Nothing was started." in err) == (6, "", True)
    machines.each[1].run("rmdir", "/srv/web/v1")
    code, _, err = run("restart web")
    assert (code, "m2 has no folder /srv/web/v1. Nothing was started." in err) == (6, True)
    rows = [row.split("\t")[1:4] for row in run("units web -o plain")[1].splitlines()]
    assert rows == [["v1", str(number), "running"] for number in (1, 2, 3)]


@pytest.mark.systemd
@pytest.mark.ssh
def test_an_environment_file_is_looked_for_where_the_unit_is_placed(machines: Machines, run: Run) -> None:
    for does in ("plan", "deploy"):
        code, _, err = run(f"{does} own v1")
        assert (code, "Error: m2 has no environment file /etc/own.env. Nothing was started." in err) == (6, True)
    machines.each[1].path("/etc/own.env").write_text("A=1\n")
    assert run("deploy own v1 --settle 0s")[0] == 0
