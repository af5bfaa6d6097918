"""The README's table of commands and the settings of [ssh] in docs/configuration.md, row by row on three machines."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.local.machine import REPOSITORY
from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import SERVICE, Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

README = (REPOSITORY / "README.md").read_text()
SETTINGS = (REPOSITORY / "docs" / "configuration.md").read_text().partition("## [ssh]\n")[2].partition("\n## ")[0]

Run = Callable[..., tuple[int, str, str]]

# Command → (a line with it, a part of what it prints), in an order in which each has something to work on.
LINES = {
    "setup": ("setup --yes", "changed|set up"),
    "check": ("check carousel v1", "ok +m1, m2, m3"),
    "config": ("config", r"ssh\.machines +deployster\.toml:4 +m1, m2, m3"),
    "plan": ("plan carousel v1", r"start +carousel-v1@3\.service +- +m3"),
    "render": ("render carousel v1", "(?m)^ExecStart="),
    "templates list": ("templates list", "process"),
    "deploy": ("deploy carousel v1 --settle 0s", r"Done: carousel v1 runs \(3 instances\)"),
    "task": ("task carousel v1 -- echo a task", "a task"),
    "units": ("units carousel", r"running +m3"),
    "services": ("services", r"carousel +v1 +3 +3 +running +m1, m2, m3"),
    "logs": ("logs carousel", "hello from v1"),
    "ssh": ("ssh carousel@2 -- cat /etc/machine-id", f"{2:032x}"),
    "diff": ("diff carousel v2", r"(?m)^\+.*v2"),
    "restart": ("restart carousel --settle 0s", r"Done: carousel v1 runs \(3 instances\)"),
    "scale": ("scale carousel 2 --settle 0s --yes", r"Done: carousel v1 runs \(2 instances\)"),
    "history": ("history carousel", r"v2 +3 (.|\n)*v1 +2 "),
    "rollback": ("rollback carousel --settle 0s", "Done: carousel v1 runs"),
    "unlock": ("unlock carousel", "not locked"),
    "destroy": ("destroy carousel v1 --yes", "Done: carousel v1"),
    "completion": ("completion bash", "complete "),
}

# Tried elsewhere: as a server that deploys, and from an empty folder.
ELSEWHERE = {"serve", "init"}


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    machines.project(tmp_path)
    file = tmp_path / "deployster.toml"
    greeting = "sh -c 'echo hello from $DEPLOYSTER_VERSION; exec sleep 600'"
    file.write_text(file.read_text().replace('"sleep 600"', f'"{greeting}"'))
    yield tmp_path
    told("engine.locks.drop('carousel'); engine.records.drop('carousel')")


@pytest.fixture
def run(machines: Machines, project: Path) -> Run:
    return lambda line, **more: machines.deployster(line, project, **more)


def test_each_command_of_the_readme_works_over_ssh(run: Run) -> None:
    rows = re.findall(r"^\| `deployster ([a-z]+(?: list)?)", README, re.MULTILINE)
    assert sorted(rows) == sorted((*LINES, *ELSEWHERE))
    wrong = []
    for verb, (line, printed) in LINES.items():
        if verb == "history":
            assert run("deploy carousel v2 --instances 3 --settle 0s")[0] == 0
        code, out, err = run(line)
        if code or not re.search(printed, out + err):
            wrong.append(f"{line}: {code}\n{out}{err}")
    assert not wrong, "\n".join(wrong)


def ssh_settings(machines: Machines, project: Path, lines: str, *, config: str | None = None) -> None:
    """A deployster.toml with these lines in [ssh], and an ssh_config with this text where one is given."""
    path = project / "ssh_config"
    path.write_text(machines.config.read_text() if config is None else config)
    head = f'engine = "ssh"\n[ssh]\nconfig = "{path}"\n'
    (project / "deployster.toml").write_text(f"{head}{lines}\n{SERVICE}")


def test_each_setting_of_ssh_has_its_test_here(machines: Machines, project: Path) -> None:
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", SETTINGS, re.MULTILINE))
    assert rows == {"machines", "config", "user", "identity_file", "known_hosts_file", "without"} | {
        f"{what}_timeout" for what in ("connect", "read", "write")
    }
    found = machines.deployster("config -o json", project)[1]
    assert all(f"ssh.{row}" in found for row in rows)


def test_machines_and_their_metadata_decide_where_instances_go(machines: Machines, project: Path, run: Run) -> None:
    ssh_settings(machines, project, 'machines = ["root@m1", { host = "m2:22", metadata = { zone = "z2" } }]')
    code, out, err = run("deploy carousel v1 --settle 0s --set machine_metadata=zone=z2")
    assert code == 0, out + err
    rows = [row.split("\t") for row in run("units carousel -o plain")[1].splitlines()]
    assert [(row[3], row[4]) for row in rows] == [("running", "m2:22")] * 3
    assert run("destroy carousel v1 --yes")[0] == 0


def test_the_key_and_the_known_hosts_are_those_that_are_named(machines: Machines, project: Path, run: Run) -> None:
    bare = re.sub(r"  (IdentityFile|UserKnownHostsFile).*\n", "", machines.config.read_text())
    known = project / "known hosts"
    lines = f'machines = ["m1"]\nknown_hosts_file = "{known}"\nidentity_file = '
    ssh_settings(machines, project, f'{lines}"{machines.config.with_name("key")}"', config=bare)
    code, out, err = run("units")
    assert (code, known.read_text().count("ssh-ed25519") >= 1) == (0, True), out + err
    other = project / "other key"
    other.write_text("no key\n")
    other.chmod(0o600)
    ssh_settings(machines, project, f'{lines}"{other}"', config=bare)
    assert run("units")[0] == 4


def test_no_machine_is_waited_for_longer_than_it_says(machines: Machines, project: Path, run: Run) -> None:
    ssh_settings(machines, project, 'machines = ["m1", "m2", "m3"]\nconnect_timeout = "1s"\nread_timeout = "2s"')
    assert run("deploy carousel v1 --settle 0s")[0] == 0
    machines.each[1].path("/usr/local/bin/awk").write_text("#!/bin/sh\nsleep 30\n")
    machines.each[1].run("chmod", "755", "/usr/local/bin/awk")
    try:
        begun = time.monotonic()
        code, _, err = run("units")
        assert (code, "m2" in err, time.monotonic() - begun < 8) == (0, True, True), err
    finally:
        machines.each[1].run("rm", "/usr/local/bin/awk")
    assert "-o ConnectTimeout=1 " in run("units -v")[2]
    with machines.cut_off(2):
        begun = time.monotonic()
        code, _, err = run("units")
        told = re.search("m2 (does not answer|gave no answer).*What runs there is not known", err)
        assert (code, bool(told), time.monotonic() - begun < 8) == (0, True, True), err


def test_a_start_that_hangs_is_given_up(machines: Machines, project: Path, run: Run) -> None:
    ssh_settings(machines, project, 'machines = ["m1"]\nwrite_timeout = "2s"')
    hanging = '#!/bin/sh\ncase " $* " in *" start "*) sleep 30;; esac\nexec /usr/bin/systemctl "$@"\n'
    machines.each[0].path("/usr/local/bin/systemctl").write_text(hanging)
    machines.each[0].run("chmod", "755", "/usr/local/bin/systemctl")
    try:
        begun = time.monotonic()
        code, out, err = run("deploy carousel v1 --settle 0s --timeout 10s")
        assert (code, "m1 gave no answer within 2 s" in err, time.monotonic() - begun < 60) == (1, True, True), (
            out + err
        )
    finally:
        machines.each[0].run("rm", "/usr/local/bin/systemctl")


def test_machines_can_be_left_out_for_good(machines: Machines, project: Path, run: Run) -> None:
    ssh_settings(machines, project, 'machines = ["m1", "m2", "m3"]\nwithout = ["m3"]')
    with machines.cut_off(3):
        code, out, err = run("deploy carousel v1 --settle 0s")
    assert code == 0, out + err
    assert "m3" not in err  # which is not asked
    code, out, err = run("deploy carousel v2 --settle 0s")
    assert (code, "m3 answers, so it can't be left out" in err) == (2, True), out + err
