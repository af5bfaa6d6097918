"""A real database keeps its data in a volume while one release takes the place of another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docker.dock import Dock, root_with, wait

pytestmark = pytest.mark.docker

PROJECT = """[services.web]
template = "database"
port = 6379
volumes = ["/folder:/data"]
"""
TEMPLATE = """{% extends "docker.service.j2" %}
{% block health %}
{% set probe %}docker exec {{ container|sh }} redis-cli ping{% endset %}
{{ health_gate.wait(probe, 30, "redis-cli ping") }}
{% endblock %}
"""
COMMAND = '["/usr/bin/redis-server", "--dir", "/data", "--appendonly", "yes"]'


@pytest.fixture
def database(dock: Dock, tmp_path: Path) -> Dock:
    """A machine with a project whose service is a redis; its images are v8 and v9."""
    for program in ("redis-server", "redis-cli"):
        if not shutil.which(program):
            pytest.skip(f"{program} is missing")
    for version in ("v8", "v9"):
        root = root_with("/usr/bin/redis-server", "/usr/bin/redis-cli", files={"/version": version})
        dock.image(f"web:{version}", root, COMMAND, "ENV PATH=/usr/bin:/bin")
    dock.project(PROJECT.replace("/folder", str(tmp_path)), database=TEMPLATE)
    return dock


def deploy(dock: Dock, line: str) -> None:
    done = dock.deployster(f"deploy web {line} --settle 0s")
    assert done.returncode == 0, done.stderr


def redis(dock: Dock, version: str, *argv: str) -> str:
    return dock.docker("exec", f"web--{version}-1", "redis-cli", *argv)


def moment(dock: Dock, version: str, event: str) -> int:
    """The nanosecond of the last such event of a release's container."""
    which = ("--filter", f"container=web--{version}-1", "--filter", f"event={event}")
    told = dock.docker("events", "--since", "10m", "--until", "0s", *which, "--format", "{{.TimeNano}}")
    return int(told.splitlines()[-1])


def test_what_was_written_is_there_after_a_stop_first_rollout(database: Dock) -> None:
    deploy(database, "v8")
    for number in range(10):
        redis(database, "v8", "set", f"key{number}", f"value {number}")
    deploy(database, "v9 --order stop-first --destroy-previous")
    assert redis(database, "v9", "mget", *(f"key{n}" for n in range(10))).splitlines() == [
        f"value {n}" for n in range(10)
    ]


def test_no_two_releases_have_the_volume_at_once(database: Dock) -> None:
    deploy(database, "v8")
    deploy(database, "v9 --order stop-first --destroy-previous")
    assert moment(database, "v8", "die") < moment(database, "v9", "start")


def test_a_release_that_fails_gives_the_data_back_to_the_one_before(database: Dock) -> None:
    deploy(database, "v8")
    redis(database, "v8", "set", "key", "value")
    database.deployster("deploy web v99 --order stop-first --destroy-previous")
    wait(lambda: database.said("systemctl", "is-active", "web-v8@1.service").returncode == 0, "its return")
    assert redis(database, "v8", "get", "key") == "value"
