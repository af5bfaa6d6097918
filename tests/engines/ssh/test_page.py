"""docs/how-to/several-machines.md, line by line: its configuration, its commands and what they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.local.machine import REPOSITORY
from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import NET, Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

PAGE = (REPOSITORY / "docs" / "how-to" / "several-machines.md").read_text()
BLOCKS = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TOML, THREE_COMMANDS, STEPS, HOOK, COPY, PLAN, WITHOUT = BLOCKS
NAMES = {1: "web1", 2: "web2.example.com", 3: "web3"}
SERVE = "#!/bin/sh\nexec sleep 600\n"


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    """The page's configuration, with the machines under its names: the second lets in ``deploy`` at port 2222."""
    config = tmp_path / "ssh_config"
    hosts = "".join(f"Host {name}\n  HostName {NET}.1{number}\n" for number, name in NAMES.items())
    general = machines.config.read_text().partition("Host *")[2]
    config.write_text(f"{hosts}Host *{general}".replace("  User root\n", ""))
    (tmp_path / "deployster.toml").write_text(TOML.replace("[ssh]\n", f'[ssh]\nconfig = "{config}"\n'))
    for machine in machines.each:
        folder = machine.path("/srv/carousel/9f88701/bin")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "serve").write_text(SERVE)
        (folder / "serve").chmod(0o755)
    machines.let_in_with_sudo(2, "deploy", port=2222)
    yield tmp_path
    told("engine.locks.drop('carousel'); engine.records.drop('carousel')")


def test_each_line_and_example_of_the_page(machines: Machines, project: Path) -> None:
    code, out, err = machines.deployster("check", project)
    assert code == 0, out + err
    code, out, err = machines.deployster("plan carousel 9f88701", project)
    assert [line.rstrip() for line in (err + out).splitlines()] == PLAN.splitlines()
    assert machines.deployster("deploy carousel 9f88701 --settle 0s", project)[0] == 0
    for number in (1, 2, 3):
        file = f"/etc/systemd/system/carousel-9f88701@{number}.service"
        assert machines.each[number - 1].run("stat", "-c", "%a", file) == "600"
    assert machines.each[0].run("ls", "/var/lib/deployster") == "locks\nnotes"
    with machines.cut_off(3):
        _, out, err = machines.deployster("units carousel", project)
        assert "unknown" in out
        assert "web3 does not answer" in err
        code, _, err = machines.deployster("deploy carousel 9f88701", project)
        assert (code, "--without web3" in err) == (4, True)
        line = WITHOUT.strip().removeprefix("deployster ")
        code, _, err = machines.deployster(f"{line} --settle 0s", project)
        assert (code, "carousel 9f88701 @3 may still run on a machine that is left out" in err) == (0, True)
    code, _, err = machines.deployster(line, project)
    assert (code, "web3 answers, so it can't be left out" in err) == (2, True)
    assert machines.deployster("units carousel -o plain", project)[1].count("\trunning\tweb") == 4
    assert machines.deployster("deploy carousel 9f88701 --settle 0s", project)[0] == 0
    assert machines.deployster("units carousel -o plain", project)[1].count("\trunning\tweb") == 3


def test_what_init_and_setup_say_on_the_page_they_say(machines: Machines, project: Path) -> None:
    init, setup, _ = THREE_COMMANDS.splitlines()
    empty = project / "empty"
    empty.mkdir()
    code, out, err = machines.deployster(init.removeprefix("deployster "), empty)
    assert code == 0, out + err
    file = empty / "deployster.toml"
    assert 'machines = ["web1", "deploy@web2.example.com:2222"]' in file.read_text()
    file.write_text(file.read_text().replace("[ssh]\n", f'[ssh]\nconfig = "{project / "ssh_config"}"\n'))
    machines.each[0].run("rm", "-rf", "/var/lib/deployster")
    code, out, err = machines.deployster(setup.removeprefix("deployster "), empty)
    assert (code, err.splitlines()[-1]) == (2, "See deployster setup --help.")
    shown = [" ".join(line.removeprefix("web1").split()) for line in err.splitlines()]
    for line in STEPS.splitlines():
        assert " ".join(line.removeprefix("web1").split()) in shown


def test_with_user_true_the_units_are_the_logins_own(machines: Machines, project: Path) -> None:
    if machines.each[1].tried("test", "-e", "/usr/lib/systemd/user/dbus.socket").returncode:
        pytest.skip("the machines' Debian has no dbus-user-session: remove it, and it is made anew")
    file = project / "deployster.toml"
    file.write_text(
        re.sub(
            r"machines = .*",
            'machines = ["deploy@web2.example.com:2222"]\nuser = true',
            TOML.replace("[ssh]\n", f'[ssh]\nconfig = "{project / "ssh_config"}"\n'),
        )
    )
    code, out, _ = machines.deployster("check", project)
    assert (code, "loginctl enable-linger" in out) == (4, True), out
    machines.each[1].run("loginctl", "enable-linger", "deploy")
    assert machines.deployster("deploy carousel 9f88701 --instances 1 --settle 0s", project)[0] == 0
    home = machines.each[1].path("/home/deploy")
    assert (home / ".config/systemd/user/carousel-9f88701@1.service").exists()
    assert (home / ".local/state/deployster/notes/carousel.placed").exists()
    assert machines.deployster("destroy carousel 9f88701 --yes", project)[0] == 0


def test_the_hook_copies_the_release_to_the_machines_in_use(machines: Machines, project: Path) -> None:
    file = project / "deployster.toml"
    file.write_text(f"{file.read_text()}\n{HOOK}")
    hook, served = project / "copy-release", project / "releases" / "v2" / "bin" / "serve"
    hook.write_text(COPY.replace("| ssh ", f"| ssh -F {project / 'ssh_config'} "))
    hook.chmod(0o755)
    served.parent.mkdir(parents=True)
    served.write_text(SERVE)
    served.chmod(0o755)
    machines.each[1].run("chown", "deploy", "/srv/carousel")
    with machines.cut_off(3):
        code, out, err = machines.deployster("deploy carousel v2 --settle 0s --without web3", project)
    assert code == 0, out + err
    there = [machine.path("/srv/carousel/v2/bin/serve").exists() for machine in machines.each]
    assert there == [True, True, False]
