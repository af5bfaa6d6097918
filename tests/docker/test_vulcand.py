"""docker-vulcand with a real etcd that is watched: who is registered there can answer, from first to last."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker.dock import Dock, running, wait

pytestmark = pytest.mark.docker

KEYS = "/vulcand/upstreams/web/endpoints"
PROJECT = "[services.web]\ntemplate = 'docker-vulcand'\nport = 3000\nhealth = '/up'\n"

WATCH = """
import json, time, urllib.request
index = ""
while True:
    url = "http://127.0.0.1:2379/v2/keys/vulcand?wait=true&recursive=true" + index
    with urllib.request.urlopen(url) as answer:
        seen = json.load(answer)
    node = seen["node"]
    index = "&waitIndex=%d" % (node["modifiedIndex"] + 1)
    print(json.dumps([time.time_ns(), seen["action"], node["key"], node.get("value", "")]), flush=True)
"""


def etcdctl(dock: Dock, *argv: str) -> subprocess.CompletedProcess[str]:
    """What etcdctl said of a command of etcd's first API, vulcand's."""
    return dock.said("env", "ETCDCTL_API=2", "etcdctl", *argv)


@dataclass(frozen=True)
class Watched:
    """A machine with a docker, and what has become of the keys in its etcd."""

    dock: Dock
    log: Path

    def events(self) -> list[tuple[int, str, str, str]]:
        """(nanosecond, set or delete, container, value) so far."""
        read = (json.loads(line) for line in self.log.read_text().splitlines())
        return [(when, what, key.rpartition("/")[2], value) for when, what, key, value in read]

    def when(self, what: str, container: str) -> int:
        """The nanosecond in which that happened to a container's key."""
        return next(at for at, done, of, _ in self.events() if (done, of) == (what, container))

    def docker(self, what: str, container: str) -> int:
        """The nanosecond in which docker says that it happened to a container."""
        told = self.dock.docker(
            *("events", "--since", "10m", "--until", "0s", "--filter", f"container={container}"),
            *("--filter", f"event={what}", "--format", "{{.TimeNano}}"),
        )
        return int(told.splitlines()[-1])

    def keys(self) -> list[str]:
        """The containers that are registered now."""
        found = etcdctl(self.dock, "ls", KEYS).stdout
        return sorted(key.rpartition("/")[2] for key in found.split())


@pytest.fixture
def watched(dock: Dock, tmp_path: Path) -> Iterator[Watched]:
    for program in ("etcd", "etcdctl"):
        if not shutil.which(program):
            pytest.skip(f"{program} is missing")
    shutil.copy(shutil.which("etcdctl") or "", dock.path("/usr/bin/etcdctl"))
    dock.path("/etc/environment").write_text("COREOS_PRIVATE_IPV4=127.0.0.1\n")
    network = ("nsenter", f"--net=/proc/{dock.machine.init}/ns/net")
    etcd = [*network, "etcd", "--data-dir", str(tmp_path / "etcd"), "--enable-v2=true"]
    with running(etcd, tmp_path / "etcd.log"):
        wait(lambda: etcdctl(dock, "mkdir", "/vulcand").returncode == 0, "etcd")
        with running([*network, sys.executable, "-c", WATCH], tmp_path / "watch"):
            wait(lambda: etcdctl(dock, "set", "/vulcand/begun", "1") and (tmp_path / "watch").read_text(), "a watch")
            yield Watched(dock, tmp_path / "watch")
            dock.free("web")


def deploy(watched: Watched, line: str, *more: str) -> subprocess.CompletedProcess[str]:
    watched.dock.project(PROJECT)
    done = watched.dock.deployster(f"deploy web {line} --settle 0s", *more)
    assert done.returncode == 0, done.stderr
    return done


def test_a_release_is_registered_with_the_port_that_docker_published(watched: Watched) -> None:
    deploy(watched, "v1")
    port = watched.dock.docker("port", "web--v1-1", "3000").splitlines()[0].rpartition(":")[2]
    assert etcdctl(watched.dock, "get", f"{KEYS}/web--v1-1").stdout.strip() == f"http://127.0.0.1:{port}"


def test_it_is_registered_only_once_it_is_healthy(watched: Watched) -> None:
    deploy(watched, "v1", "--env", "SLOW=2")
    healthy = int(watched.dock.docker("exec", "web--v1-1", "stat", "-c", "%Y", "/www/up")) * 10**9
    assert healthy <= watched.when("set", "web--v1-1")


def test_it_is_not_registered_before_its_container_starts(watched: Watched) -> None:
    deploy(watched, "v1")
    assert watched.docker("start", "web--v1-1") < watched.when("set", "web--v1-1")


def test_it_is_taken_out_before_its_container_is_told_to_stop(watched: Watched) -> None:
    deploy(watched, "v1")
    watched.dock.deployster("destroy web v1 --yes")
    assert watched.when("delete", "web--v1-1") < watched.docker("kill", "web--v1-1")


def test_the_next_release_is_in_before_the_one_before_is_out(watched: Watched) -> None:
    deploy(watched, "v1 --instances 2")
    deploy(watched, "v2 --destroy-previous")
    first_out = min(watched.when("delete", f"web--v1-{n}") for n in (1, 2))
    assert max(watched.when("set", f"web--v2-{n}") for n in (1, 2)) < first_out


def test_only_the_new_release_stays_registered(watched: Watched) -> None:
    deploy(watched, "v1 --instances 2")
    deploy(watched, "v2 --destroy-previous")
    assert watched.keys() == ["web--v2-1", "web--v2-2"]


def test_a_release_that_never_gets_healthy_is_never_registered(watched: Watched) -> None:
    watched.dock.project(PROJECT)
    watched.dock.deployster("deploy web v1 --env SLOW=never --set health_tries=2 --set restart=no")
    assert not [event for event in watched.events() if event[2] == "web--v1-1" and event[1] == "set"]


def test_a_container_that_dies_is_taken_out_and_comes_back(watched: Watched) -> None:
    deploy(watched, "v1")
    watched.dock.docker("kill", "web--v1-1")

    def registrations() -> list[str]:
        return [what for _, what, of, _ in watched.events() if of == "web--v1-1" and what in ("set", "delete")]

    try:
        wait(lambda: len(registrations()) >= 3, "its return", limit=120)
    except AssertionError as error:
        error.add_note(watched.dock.machine.tried("journalctl", "--no-pager", "-n", "60", "-u", "web-v1@*").stdout)
        error.add_note(watched.dock.docker("ps", "--all"))
        raise
    assert registrations() == ["set", "delete", "set"]
