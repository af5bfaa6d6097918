"""Containers over ssh: a machine with Debian's docker.io, one whose podman stands in for docker, and a registry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker import dock
from tests.docker.dock import registry, root_with, running, wait
from tests.engines.local.machine import REPOSITORY, Machine, packages
from tests.engines.ssh.machines import NET, Machines, several

pytestmark = [pytest.mark.systemd, pytest.mark.ssh, pytest.mark.docker]

REGISTRY = f"{NET}.1:5000"
# The same registry by a name that only the machines know.
THEIRS = "registry.test:5000"

# What is installed on a machine; podman publishes ports by iptables, which Debian's does not depend on.
DOCKER = "docker.io"
PODMAN = "podman netavark iptables"

# What nspawn keeps from a container and runc and crun call: a keyring of its own for each container, and, where the
# machine has cgroups v2, the program that says which devices it may use.
OPTIONS = ("--system-call-filter=@keyring bpf",)

# nspawn mounts the controllers of cgroups v1 for reading only, and a container is to have groups there.
CGROUPS = "while read -r _ at kind _; do [ $kind != cgroup ] || mount -o remount,bind,rw $at; done </proc/mounts"

SETTINGS = {
    "/etc/apt/sources.list": "deb [trusted=yes] file:/debs ./\n",
    "/etc/docker/daemon.json": f'{{"insecure-registries": ["{REGISTRY}", "{THEIRS}"]}}\n',
    "/etc/containers/registries.conf.d/tests.conf": "".join(
        f'[[registry]]\nlocation = "{at}"\ninsecure = true\n' for at in (REGISTRY, THEIRS)
    ),
    # The machine's root is an overlay, on which there can be no other; docker sees that by itself.
    "/etc/containers/storage.conf": '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\n'
    'graphroot = "/var/lib/containers/storage"\n',
    # Of cgroups v1 nspawn gives the machine's systemd no controllers to hand on. The machines' own network is the one
    # that podman takes if it is not told another.
    "/etc/containers/containers.conf": '[engine]\ncgroup_manager = "cgroupfs"\n'
    '[network]\ndefault_subnet = "10.89.0.0/24"\n',
    "/etc/hosts": f"127.0.0.1 localhost\n{NET}.1 registry.test\n",
}

PAGE = (REPOSITORY / "docs" / "how-to" / "several-machines.md").read_text()

SERVE = """#!/bin/sh
trap 'exit 0' TERM
echo "serving $(cat /version)"
mkdir /www
echo yes >/www/up
busybox httpd -f -p 3000 -h /www &
wait
"""

TOML = """
engine = "ssh"
registry_url = "{registry}"
[ssh]
config = "{config}"
machines = [{machines}]
[services.web]
health = "/up"
instances = 2
"""


@dataclass(frozen=True)
class Place:
    """A project whose containers are on some of the machines."""

    machines: Machines
    folder: Path
    names: tuple[str, ...] = ("m1", "m2")

    def run(self, line: str, registry: str = REGISTRY) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of a command line."""
        names = ", ".join(f'"{name}"' for name in self.names)
        toml = TOML.format(registry=registry, config=self.machines.config, machines=names)
        (self.folder / "deployster.toml").write_text(toml)
        return self.machines.deployster(line, self.folder, seconds=170)

    def deploy(self, line: str) -> None:
        """Deploy; it has to succeed."""
        code, out, err = self.run(f"deploy {line} --settle 0s")
        assert code == 0, out + err

    def waits_for(self, *containers: str) -> None:
        """Until the machine has exactly these, each NAME with Up, Exited or another state, as docker there says."""
        argv = ("docker", "ps", "--all", "--format", "{{.Names}} {{.Status}}")

        def found() -> list[str]:
            return sorted(" ".join(row.split()[:2]) for row in self.machine.run(*argv).splitlines())

        with contextlib.suppress(AssertionError):
            wait(lambda: found() == [*containers], "these containers")
        assert found() == [*containers]

    @property
    def machine(self) -> Machine:
        """The only one of the project, or the first."""
        return self.machines.each[int(self.names[0][-1]) - 1]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Two machines that ``setup`` has made ready, of which m2 had podman before; and a registry."""
    if why := dock.missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("machines")
    debs = packages(DOCKER, f"podman-docker {PODMAN}")
    with several(folder, 2, (*OPTIONS, f"--bind-ro={debs}:/debs")) as machines:
        argv = ["ip", "netns", "exec", machines.space, "docker-registry", "serve", registry(folder, REGISTRY)]
        with running(argv, folder / "registry.log"):
            for machine in machines.each:
                machine.run("sh", "-ec", CGROUPS)
                for path, text in SETTINGS.items():
                    machine.path(path).parent.mkdir(parents=True, exist_ok=True)
                    machine.path(path).write_text(text)
            machines.each[1].run("sh", "-ec", f"apt-get update; apt-get -y install {PODMAN}")
            place = Place(machines, folder)
            code, out, err = place.run("setup --yes")
            assert code == 0, out + err
            push(machines.each[0])
            yield place


def push(machine: Machine) -> None:
    """Put three versions into the registry, and keep none on the machine."""
    wait(lambda: not machine.tried("bash", "-c", f": </dev/tcp/{NET}.1/5000").returncode, "the registry")
    for version in ("v1", "v2", "v3"):
        image = f"{REGISTRY}/web:{version}"
        machine.path("/root/root.tar").write_bytes(root_with(files={"/serve": SERVE, "/version": version}))
        machine.run("docker", "import", "--change", 'CMD ["/serve"]', "/root/root.tar", image)
        machine.run("docker", "push", image)
        machine.run("docker", "rmi", image)


@pytest.fixture(params=["m1", "m2"], ids=["docker", "podman"])
def place(ready: Place, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """One of the machines."""
    return Place(ready.machines, tmp_path, (request.param,))


def test_setup_installs_docker_and_has_podman_stand_in_for_it(ready: Place) -> None:
    docker, podman = ready.machines.each
    assert docker.run("systemctl", "is-active", "docker.service") == "active"
    assert docker.run("docker", "version", "--format", "{{.Server.Version}}")
    assert podman.run("docker", "--version").startswith("podman version ")
    assert ready.run("setup --yes")[:2] == (0, "Nothing was left to do on 2 machines: nothing was changed.\n")


def test_a_release_runs_is_followed_and_leaves_nothing_behind(place: Place) -> None:
    place.deploy("web v1")
    place.waits_for("web--v1-1 Up", "web--v1-2 Up")
    units = [row.split("\t")[1:5] for row in place.run("units web -o plain")[1].splitlines()]
    assert units == [["v1", instance, "running", *place.names] for instance in "12"]
    said = {"web-v1@1 | serving v1", "web-v1@2 | serving v1"}
    wait(lambda: said <= set(place.run("logs web -n 100")[1].splitlines()), "what the containers say")
    assert place.run("task web v1 -- 'cat /version; exit 3'")[:2] == (3, "v1\n")
    place.deploy("web v2 --destroy-previous")
    place.waits_for("web--v2-1 Up", "web--v2-2 Up")
    assert place.run("destroy web v2 --yes")[0] == 0
    place.waits_for()


def test_a_version_that_the_registry_has_not_got_leaves_the_old_one_running(place: Place) -> None:
    place.deploy("web v1")
    code, _, err = place.run("deploy web v9")
    assert (code, f"has no image {REGISTRY}/web:v9" in err) == (6, True)
    code, _, err = place.run("deploy web v9 --destroy-previous", THEIRS)
    assert (code, "manifest unknown" in err) == (1, True)
    place.waits_for("web--v1-1 Up", "web--v1-2 Up")
    assert place.run("destroy web v1 --yes")[0] == 0
    place.waits_for()


def test_a_task_ends_with_podman_and_not_with_what_watches_its_container(ready: Place, tmp_path: Path) -> None:
    place = Place(ready.machines, tmp_path, ("m2",))
    assert place.run("units")[0] == 0
    with place.machines.begun("task web v1 -- 'sleep 5'", tmp_path) as run:
        wait(lambda: "Up" in place.machine.run("docker", "ps", "--format", "{{.Status}}"), "its container")
        main = place.machine.run("systemctl", "show", "--property=MainPID", "--value", "web.task-*")
        assert place.machine.path(f"/proc/{main}/comm").read_text() == "podman\n"
        run.communicate(timeout=60)
    assert run.returncode == 0
    place.waits_for()


def test_podman_s_journal_has_each_line_once_as_the_page_says(ready: Place, tmp_path: Path) -> None:
    driver, logger = 'log_driver = "k8s-file"', 'events_logger = "file"'
    assert f"`{driver}` below `[containers]` and `{logger}` below `[engine]`" in PAGE
    place = Place(ready.machines, tmp_path, ("m2",))
    file = place.machine.path("/etc/containers/containers.conf")
    engine = file.read_text().replace("[engine]", f"[engine]\n{logger}")
    file.write_text(f"[containers]\n{driver}\n{engine}")
    place.deploy("web v3 --instances 1")
    wait(lambda: "serving v3" in place.run("logs web -n 100")[1], "what the container says")
    written = place.run("logs web -n 100")[1]
    assert (written.count("serving v3"), "container create" in written) == (1, False)
    assert place.run("destroy web v3 --yes")[0] == 0


@pytest.mark.parametrize(("version", "code", "there"), [("v1", 0, "has"), ("v9", 1, "has no image")])
def test_check_says_whether_the_image_can_be_pulled(place: Place, version: str, code: int, there: str) -> None:
    found = place.run(f"check web {version}")
    assert found[0] == code
    assert "each machine's /usr/bin/docker reaches the registry" in found[1]
    assert f"he registry {REGISTRY} {there} {REGISTRY}/web:{version}" in found[1]


def test_check_asks_the_registry_by_the_docker_of_the_machine(place: Place) -> None:
    assert "each machine's /usr/bin/docker reaches the registry" in place.run("check web v1", THEIRS)[1]
    code, out, _ = place.run("check web v1", "nowhere.test:5000")
    assert (code, "/usr/bin/docker can't pull nowhere.test:5000/web: " in out) == (4, True)


def test_check_asks_as_root_where_the_login_may_not_use_docker(ready: Place, tmp_path: Path) -> None:
    ready.machines.let_in_with_sudo(1, "deploy", port=2222)
    assert ready.machine.tried("runuser", "-u", "deploy", "--", "docker", "ps").returncode
    code, out, _ = Place(ready.machines, tmp_path, ("deploy@m1",)).run("check web v1")
    assert (code, "each machine's /usr/bin/docker reaches the registry" in out) == (0, True), out


def test_setup_starts_and_enables_docker_s_service(ready: Place, tmp_path: Path) -> None:
    place = Place(ready.machines, tmp_path, ("m1",))
    place.machine.run("systemctl", "disable", "--now", "docker.service", "docker.socket")
    code, out, _ = place.run("check web v1")
    assert (code, "Have its service started: deployster setup does it." in out) == (4, True)
    assert "Have it reach the registry." not in out
    code, out, err = place.run("setup --yes")
    assert code == 0, out + err
    assert place.machine.run("systemctl", "is-enabled", "docker.service") == "enabled"
    assert place.machine.run("systemctl", "is-active", "docker.service") == "active"
    code, out, _ = place.run("check web v1")
    assert code == 0, out
