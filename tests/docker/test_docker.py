"""The docker template on a real systemd with a real docker: pulled, run, waited for, stopped and taken away."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.docker.dock import REGISTRY, Dock, wait
from tests.templates.cases import HOSTILE

pytestmark = pytest.mark.docker

WEB = "[services.web]\nport = 3000\n"
HEALTHY = f"{WEB}health = '/up'\n"
WORDS = 'correct horse "battery" $taple 100%'


def deploy(dock: Dock, line: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A deploy of the service web that has to go well, and its containers run: ``docker run`` makes each first."""
    done = dock.deployster(f"deploy web {line} --settle 0s", *more, **env)
    assert done.returncode == 0, done.stderr
    wait(lambda: len(dock.docker("ps", "--quiet").split()) >= len(active(dock)), "a container for each unit")
    return done


def active(dock: Dock) -> list[str]:
    """What systemd says runs of the service."""
    return dock.run("systemctl", "list-units", "--no-legend", "--plain", "--state=active", "web-*").splitlines()


def containers(dock: Dock) -> list[str]:
    """The names of all containers, those that ended too."""
    return sorted(dock.docker("ps", "--all", "--format", "{{.Names}}").split())


def inside(dock: Dock, container: str = "web--v1-1") -> dict[str, str]:
    """The environment of a container's first process."""
    text = read(dock, "/www/env", container)
    return dict(line.split("=", 1) for line in text.splitlines())


def read(dock: Dock, path: str, container: str = "web--v1-1") -> str:
    """A file that a container's first process makes, sooner or later."""
    there = ("exec", container, "test", "-e", path)
    wait(lambda: dock.tried_docker(*there).returncode == 0, path)
    return dock.docker("exec", container, "cat", path)


def fetched(dock: Dock, container: str, path: str) -> str:
    """What a container answers on the port that docker published."""
    port = dock.docker("port", container, "3000").splitlines()[0].rpartition(":")[2]
    code = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}{path}').read().decode())"
    return dock.run("python3", "-c", code)


def test_a_deploy_pulls_the_image_and_runs_it(dock: Dock) -> None:
    dock.project(WEB)
    deploy(dock, "v1 --instances 2")
    assert containers(dock) == ["web--v1-1", "web--v1-2"]


def test_each_instance_is_published_on_a_port_of_its_own(dock: Dock) -> None:
    dock.project(HEALTHY)
    deploy(dock, "v1 --instances 2")
    assert dock.docker("port", "web--v1-1", "3000") != dock.docker("port", "web--v1-2", "3000")


def test_it_runs_only_once_it_is_healthy(dock: Dock) -> None:
    dock.project(HEALTHY)
    deploy(dock, "v1", "--env", "SLOW=2")
    assert fetched(dock, "web--v1-1", "/up") == "yes"


def test_a_release_that_never_gets_healthy_fails(dock: Dock) -> None:
    dock.project(HEALTHY)
    done = dock.deployster("deploy web v1 --env SLOW=never --set health_tries=5")
    assert (done.returncode, "is not healthy on 127.0.0.1: /up" in done.stderr) == (1, True)


def test_nothing_of_a_release_that_failed_stays(dock: Dock) -> None:
    dock.project(HEALTHY)
    dock.deployster("deploy web v1 --env SLOW=never --set health_tries=5 --set restart=no")
    assert containers(dock) == []


def test_a_release_that_the_registry_has_not_got_is_not_started(dock: Dock) -> None:
    dock.project(WEB)
    done = dock.deployster("deploy web v99")
    assert (done.returncode, f"{REGISTRY}/web:v99" in done.stderr, containers(dock)) == (6, True, [])


def test_the_next_release_takes_the_place_of_the_one_before(dock: Dock) -> None:
    dock.project(HEALTHY)
    deploy(dock, "v1 --instances 2")
    deploy(dock, "v2 --destroy-previous")
    assert containers(dock) == ["web--v2-1", "web--v2-2"]


def test_a_destroyed_release_leaves_no_container(dock: Dock) -> None:
    dock.project(WEB)
    deploy(dock, "v1")
    dock.deployster("destroy web v1 --yes")
    assert containers(dock) == []


def test_a_container_that_was_left_behind_is_in_nobodys_way(dock: Dock) -> None:
    dock.project(HEALTHY)
    dock.docker("run", "--detach", "--name", "web--v1-1", f"{REGISTRY}/web:v1", "sleep", "600")
    deploy(dock, "v1")
    assert fetched(dock, "web--v1-1", "/up") == "yes"


def test_a_stop_whose_unit_goes_meanwhile_leaves_no_container(dock: Dock) -> None:
    """fleet takes a destroyed unit's file away while it stops, and systemd then knows no ExecStopPost any more."""
    dock.project(f"""{WEB}command = 'trap "sleep 2; exit 0" TERM; while :; do sleep 0.2; done'""")
    deploy(dock, "v1")
    dock.run("systemctl", "stop", "--no-block", "web-v1@1.service")
    wait(lambda: state(dock) == "deactivating", "its stop")
    dock.path("/etc/systemd/system/web-v1@1.service").unlink()
    dock.run("systemctl", "daemon-reload")
    wait(lambda: state(dock) == "inactive", "its end")
    assert containers(dock) == []


def test_a_container_that_dies_comes_back(dock: Dock) -> None:
    dock.project(HEALTHY)
    deploy(dock, "v1")
    died = dock.docker("inspect", "--format", "{{.Id}}", "web--v1-1")
    dock.docker("kill", "web--v1-1")
    wait(lambda: containers(dock) and dock.docker("ps", "--quiet", "--no-trunc") not in ("", died), "a new container")


@pytest.mark.parametrize(
    ("restart", "ended"), [("no", "inactive"), ("on-failure", "inactive"), ("always", "activating")]
)
def test_a_container_that_ends_well(dock: Dock, restart: str, ended: str) -> None:
    dock.project(f"{HEALTHY}restart = '{restart}'")
    deploy(dock, "v1")  # healthy: it heeds signals by now
    dock.docker("stop", "web--v1-1")
    wait(lambda: state(dock) not in ("active", "deactivating"), "its end")
    assert state(dock) == ended


def test_a_container_that_heeds_no_signal_is_stopped_and_has_not_failed(dock: Dock) -> None:
    dock.project(f"""{WEB}command = "trap '' TERM; while :; do sleep 0.2; done"\n""")
    deploy(dock, "v1")
    dock.run("systemctl", "stop", "web-v1@1.service")
    assert state(dock) == "inactive"


@pytest.mark.parametrize(("restart", "then"), [("no", "failed"), ("on-failure", "activating")])
def test_a_container_that_is_killed_has_failed(dock: Dock, restart: str, then: str) -> None:
    dock.project(f"{WEB}restart = '{restart}'")
    deploy(dock, "v1")
    dock.docker("kill", "web--v1-1")
    wait(lambda: state(dock) not in ("active", "deactivating"), "its end")
    assert state(dock) == then


def state(dock: Dock) -> str:
    return dock.said("systemctl", "is-active", "web-v1@1.service").stdout.strip()


def test_the_container_is_held_to_its_limits(dock: Dock) -> None:
    dock.project(f"{WEB}memory = '64m'\ncpu = 0.5")
    deploy(dock, "v1")
    host = json.loads(dock.docker("inspect", "web--v1-1"))[0]["HostConfig"]
    assert (host["Memory"], host["CpuQuota"]) == (64 << 20, 50_000)


@pytest.mark.parametrize("env_file", [False, True], ids=["without env_file", "with env_file"])
def test_the_container_has_every_hostile_value_as_it_is(dock: Dock, env_file: bool) -> None:
    dock.project(WEB + ("env_file = '/etc/web.env'\n" if env_file else ""))
    dock.path("/etc/web.env").write_text("OTHER=1\n")
    deploy(dock, "v1", *(word for name, value in HOSTILE.items() for word in ("--env", f"{name}={value}")))
    found = inside(dock)
    assert {name: found.get(name) for name in HOSTILE} == HOSTILE


def test_env_wins_over_env_file(dock: Dock) -> None:
    dock.project(f"{WEB}env_file = '/etc/web.env'\nenv = {{ A = 'ours' }}")
    dock.path("/etc/web.env").write_text("A=the file's\nB=the file's\n")
    deploy(dock, "v1")
    found = inside(dock)
    assert (found["A"], found["B"]) == ("ours", "the file's")


def test_variables_are_the_containers_and_nobody_elses(dock: Dock) -> None:
    """Each of them would make the docker client do something else, or is in the machine's /etc/environment."""
    names = ("DOCKER_HOST", "DOCKER_CONFIG", "LD_PRELOAD", "HOME", "HTTP_PROXY", "COREOS_PRIVATE_IPV4")
    given = dict.fromkeys(names, "tcp://127.0.0.1:1") | {"PATH": "/bin:/usr/bin"}
    dock.project(HEALTHY)
    dock.path("/etc/environment").write_text("COREOS_PRIVATE_IPV4=10.9.9.9\n")
    deploy(dock, "v1", *(word for name, value in given.items() for word in ("--env", f"{name}={value}")))
    found = inside(dock)
    assert {name: found[name] for name in given} == given


def secret(dock: Dock, *more: str) -> subprocess.CompletedProcess[str]:
    dock.project(f"{WEB}secrets = ['TOKEN']\n")
    return deploy(dock, "v1", *more, TOKEN=WORDS)


def test_the_container_has_its_secret(dock: Dock) -> None:
    secret(dock)
    assert inside(dock)["TOKEN"] == WORDS


def test_no_process_has_the_secret_among_its_arguments(dock: Dock) -> None:
    secret(dock)
    everything = "import glob; print(*(open(f).read() for f in glob.glob('/proc/[0-9]*/cmdline')))"
    assert "battery" not in dock.run("python3", "-c", everything)


def test_no_journal_has_the_secret(dock: Dock) -> None:
    secret(dock)
    assert "battery" not in dock.run("journalctl", "--no-pager", "--output=json")


def test_a_deploy_shows_no_secret(dock: Dock) -> None:
    done = secret(dock)
    assert "battery" not in done.stdout + done.stderr


def test_a_missing_secret_is_said_before_anything_is_done(dock: Dock) -> None:
    dock.project(f"{WEB}secrets = ['TOKEN']\n")
    done = dock.deployster("deploy web v1")
    assert (done.returncode, containers(dock)) == (2, [])


def test_a_rotated_secret_shows_as_changed_and_not_what_it_is(dock: Dock) -> None:
    secret(dock)
    done = dock.deployster("diff web v1", TOKEN=WORDS[:7])
    assert [line for line in done.stdout.splitlines() if line[:2] in ("-E", "+E")] == [
        "-Environment=DEPLOYSTER_ENV_TOKEN=***",
        "+Environment=DEPLOYSTER_ENV_TOKEN=*** (another value)",
    ]


def test_a_volume_keeps_what_a_release_wrote(dock: Dock, tmp_path: Path) -> None:
    dock.project(f"{WEB}volumes = ['{tmp_path}:/data']")
    deploy(dock, "v1")
    dock.docker("exec", "web--v1-1", "sh", "-c", "echo kept > /data/file")
    deploy(dock, "v2 --destroy-previous")
    assert dock.docker("exec", "web--v2-1", "cat", "/data/file") == "kept"


def test_a_command_takes_the_images_place(dock: Dock) -> None:
    own = 'trap "exit 0" TERM; echo "{version}" > /saying; mv /saying /said; sleep 600 & wait'
    dock.project(f"{WEB}command = '{own}'")
    deploy(dock, "v1")
    assert read(dock, "/said") == "v1"


def test_a_command_before_the_deploy_runs_in_the_image(dock: Dock, tmp_path: Path) -> None:
    dock.project(f"{WEB}volumes = ['{tmp_path}:/data']\nenv = {{ A = 'b c' }}")
    deploy(dock, "v1", "--before", 'echo "$A" > /data/before')
    assert dock.docker("exec", "web--v1-1", "cat", "/data/before") == "b c"


def test_a_template_of_ones_own_extends_the_built_in_one(dock: Dock) -> None:
    own = (
        '{% extends "docker.service.j2" %}\n'
        '{% block run_options %}{{ super() }} --hostname {{ ("web-" ~ instance)|arg }}{% endblock %}\n'
        "{% block register %}ExecStartPost=/bin/touch /run/registered\n{% endblock %}\n"
    )
    dock.project(f"{WEB}template = 'own'", own=own)
    deploy(dock, "v1")
    assert (dock.docker("exec", "web--v1-1", "hostname"), dock.path("/run/registered").exists()) == ("web-1", True)
