"""What a machine is asked for, what is made of its answer, and what is left to do there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.needs import Needs, containers, probing
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.base import Step
from deployster_cli.engines.process import Completed
from deployster_cli.engines.ssh import asks
from deployster_cli.engines.ssh.facts import Facts, facts, look, repository
from deployster_cli.engines.ssh.parse import Part, parts
from deployster_cli.engines.ssh.results import Answer
from deployster_cli.engines.ssh.scripts import script
from deployster_cli.engines.ssh.steps import doing, steps
from deployster_cli.errors import EngineUnreachable

MARK = "0123456789abcdef"
DOCKER = Needs(programs=(("/usr/bin/docker",), ("curl", "python3")))
APT = Facts(252, frozenset({"podman"}), manager="apt-get", system="debian")
HAS_PODMAN = APT._replace(missing=frozenset())
FEDORA = APT._replace(manager="dnf", system="fedora")


def printed(**told: str) -> list[Part]:
    """What the script prints, with these parts."""
    return parts("systemd 252 (252.1-1)\n" + "".join(f"\n{MARK} {kind}\n{text}" for kind, text in told.items()), MARK)


def lacking(*programs: str, base: Facts = APT) -> Facts:
    return base._replace(missing=base.missing | set(programs))


def commands(found: Facts, needs: Needs = DOCKER) -> list[str]:
    return [step.command for step in steps("web1", found, needs)]


def file(text: str, **options: str) -> UnitFile:
    name = UnitName("shop", "v1", 1)
    rules = "".join(f"{key}={value}\n" for key, value in options.items())
    return UnitFile.parse(name, f"[Service]\nExecStart={text}\n[X-Fleet]\n{rules}")


def test_containers_and_what_asks_for_health_are_seen_in_unit_files() -> None:
    either = "/bin/sh -c 'if command -v curl >/dev/null; then curl http://a; else python3 -c x; fi'"
    files = [file("/usr/bin/docker run x"), file("/opt/podman run x"), file(either)]
    assert containers(files) == ("/opt/podman", "/usr/bin/docker")
    assert probing(files) == (("curl", "python3"),)
    assert probing([*files, file("/usr/bin/curl http://b")]) == (("curl",),)
    assert probing(files[:2]) == ()


def test_an_answer_is_read() -> None:
    found = facts(
        printed(
            missing="curl\npodman\n",
            room="123\n",
            lingers="deploy\n",
            manager="dnf\n",
            system="fedora\n",
            docker="LoadState=loaded\nActiveState=inactive\n",
            bound="deploy\n",
            unmade="/var/lib/deployster\n",
            unwritable="/var/lib\n",
            pull="acme/shop:v1\n1 denied: no\nreally",
            tcp="  sl  local_address\n   0: 00000000:0016 00000000:0000 0A 0\n",
        )
    )
    assert found == Facts(
        systemd=252,
        missing=frozenset({"curl", "podman"}),
        room=123,
        unlingering="deploy",
        manager="dnf",
        system="fedora",
        docker={"LoadState": "loaded", "ActiveState": "inactive"},
        bound="deploy",
        unmade="/var/lib/deployster",
        unwritable="/var/lib",
        pulls={"acme/shop:v1": (1, "denied: no\nreally")},
        ports=frozenset({22}),
    )


def test_an_answer_that_says_next_to_nothing_is_read_too() -> None:
    assert facts([Part("", "sh: systemctl: not found")]) == Facts(0, frozenset())
    assert facts(printed(pull="acme/shop:v1\ngibberish")).pulls == {"acme/shop:v1": (1, "")}


@pytest.mark.process
def test_the_script_is_one_that_every_shell_reads(tmp_path: Path) -> None:
    needs = Needs((("curl",), ("no-such program",)), {80: file("x")}, (("/bin/no", "acme/it's:1"),))
    for shell in ("sh", "dash", "bash", "busybox"):
        if found := shutil.which(shell):
            argv = [found, "sh"] if shell == "busybox" else [found]
            given = script(look(needs), MARK, user=False)
            done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=30, check=False)
            seen = facts(parts(done.stdout.rpartition(f"\n{MARK} ")[0], MARK))
            assert "no-such program" in seen.missing, (shell, done.stderr)
            assert seen.pulls["acme/it's:1"][0] in {126, 127}
            checked = [*argv, "-n"]
            told = subprocess.run(checked, input=doing("true"), capture_output=True, text=True, timeout=9, check=False)
            assert (told.returncode, told.stderr) == (0, "")


def test_where_nothing_is_missing_nothing_is_left_to_do() -> None:
    assert commands(APT) == []
    assert commands(lacking("curl")) == []  # python3 does as well


@pytest.mark.parametrize(
    ("found", "installs"),
    [
        (lacking("/usr/bin/docker", "curl", "python3"), "apt-get update; apt-get -y install docker.io curl"),
        (lacking("curl", "python3", "awk"), "apt-get update; apt-get -y install gawk curl"),
        (lacking("/usr/bin/docker", base=HAS_PODMAN), "apt-get update; apt-get -y install podman-docker"),
        (lacking("/usr/bin/docker", base=FEDORA), "dnf -y install moby-engine"),
        (lacking("/usr/bin/docker", base=FEDORA._replace(system="almalinux")), "dnf -y install podman-docker"),
    ],
)
def test_what_is_missing_comes_in_one_call_of_the_machine_s_own_manager(found: Facts, installs: str) -> None:
    assert commands(found)[0] == installs


def test_podman_is_installed_where_it_is_podman_that_units_run() -> None:
    needs = Needs(programs=(("/usr/bin/podman",),))
    assert commands(lacking("/usr/bin/podman"), needs) == ["apt-get update; apt-get -y install podman"]


def test_where_no_manager_is_known_it_is_said_what_to_install() -> None:
    (step,) = steps("web1", lacking("curl", "python3", base=APT._replace(manager="")), DOCKER)
    assert step == Step("web1", "web1 lacks curl.", "install curl", "web1 has neither apt-get nor dnf.")
    assert asks.cure(step) == "As root there: install curl (web1 has neither apt-get nor dnf)."


@pytest.mark.parametrize(
    ("docker", "starts"),
    [
        ({"LoadState": "loaded", "ActiveState": "inactive", "UnitFileState": "enabled"}, True),
        ({"LoadState": "loaded", "ActiveState": "failed", "UnitFileState": "enabled"}, True),
        ({"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "disabled"}, True),
        ({"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}, False),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, False),
    ],
)
def test_docker_is_started_where_it_is_there_and_does_not_run(docker: dict[str, str], starts: bool) -> None:
    found = APT._replace(docker=docker)
    assert commands(found) == (["systemctl enable --now docker.service"] if starts else [])
    assert commands(found, Needs()) == []


def test_a_login_that_may_not_become_root_has_it_all_done_by_hand() -> None:
    found = lacking("/usr/bin/docker", base=APT._replace(unlingering="deploy", bound="deploy"))
    done = list(steps("web1", found, DOCKER))
    assert [step.command for step in done][1:] == [
        "systemctl enable --now docker.service",
        "loginctl enable-linger deploy",
    ]
    assert {step.by_hand for step in done} == {"deploy may not become root on web1 without a password."}


def test_the_state_folder_is_made_but_in_a_home_where_the_login_does_that() -> None:
    assert commands(APT._replace(unmade="/var/lib/deployster")) == ["mkdir -p -m 700 /var/lib/deployster"]
    assert commands(APT._replace(unmade="/home/deploy/.local/state/deployster")) == []


def answered(**told: str) -> Answer:
    done = Completed((), 0, "", "", 0.1)
    return Answer(0, tuple(printed(**told)), done)


def test_what_a_machine_lacks_is_told_with_its_cure() -> None:
    said = {"missing": "curl\n", "room": "5", "lingers": "deploy", "manager": "dnf", "unwritable": "/var/lib"}
    needs = Needs(programs=(("curl",),))
    found = list(asks.troubles("web1", answered(**said, unmade="/var/lib/deployster"), needs))
    assert [(trouble.text, trouble.cure) for trouble in found] == [
        ("web1 has 5 KB left where unit files are.", "Make room there."),
        (
            "Nothing can be written to /var/lib on web1, where locks and records belong.",
            "Have it mounted with rw, and see lsattr -d there.",
        ),
        ("web1 lacks curl.", "As root there: dnf -y install curl; or: deployster setup"),
        (
            "What deploy runs on web1 ends with its session.",
            "As root there: loginctl enable-linger deploy; or: deployster setup",
        ),
    ]
    assert list(asks.troubles("web1", answered(room="50000"), needs)) == []


def test_an_old_systemd_and_a_machine_that_can_not_be_looked_at_are_told() -> None:
    old = answered()
    old = Answer(0, (Part("", "systemd 200"), *old.parts[1:]), old.done)
    assert [one.text for one in asks.troubles("web1", old, Needs())] == ["web1 has systemd 200."]
    away = EngineUnreachable("away", "Wait.")
    assert [one.text for one in asks.troubles("web1", away, Needs())] == ["away"]
    failed = Answer(2, (Part("", ""),), Completed((), 2, "", "no", 0.1))
    assert [one.text for one in asks.troubles("web1", failed, Needs())] == ["Looking at the machine failed on web1: no"]


UNKNOWN = "Error response from daemon: manifest for acme/shop@sha256:00 not found: manifest unknown: manifest unknown"
REFUSED = "Error response from daemon: pull access denied for acme/shop, repository does not exist"
DOWN = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
AWAY = 'Error response from daemon: Get "https://hub/v2/": dial tcp 10.0.0.9:443: connect: connection refused'


@pytest.mark.parametrize(
    ("said", "sure", "ends"),
    [
        (f"1 {REFUSED}", True, "There: docker login."),
        (f"1 {AWAY}", True, "Have it reach the registry."),
        (f"1 {DOWN}", True, "Have its service started: deployster setup does it."),
        (f"125 Emulate Docker CLI using podman.\n{AWAY}", True, "Have it reach the registry."),
        ("124 ", False, "Try it there; a proxy is set for docker's service."),
    ],
)
def test_a_registry_that_a_machine_gets_nothing_from_is_named(said: str, sure: bool, ends: str) -> None:
    needs = Needs(images=(("/usr/bin/docker", "hub:5000/acme/shop:v1"),))
    (trouble,) = asks.troubles("web1", answered(pull=f"hub:5000/acme/shop:v1\n{said}"), needs)
    assert (trouble.about, trouble.sure, trouble.cure) == ("pull", sure, ends)
    assert "hub:5000/acme/shop" in trouble.text
    assert not trouble.text.endswith("?.")
    assert "Emulate" not in trouble.text
    without = answered(pull=f"hub:5000/acme/shop:v1\n{said}", missing="/usr/bin/docker")
    assert list(asks.troubles("web1", without, needs)) == []


def test_a_registry_that_has_not_what_is_nowhere_would_give_what_it_has() -> None:
    needs = Needs(images=(("/usr/bin/docker", "acme/shop:v1"),))
    assert list(asks.troubles("web1", answered(pull=f"acme/shop:v1\n1 {UNKNOWN}"), needs)) == []
    assert list(asks.troubles("web1", answered(), needs)) == []


@pytest.mark.parametrize(
    ("image", "bare"), [("a/b:1", "a/b"), ("hub:5000/b:1", "hub:5000/b"), ("hub:5000/b", "hub:5000/b"), ("b", "b")]
)
def test_an_image_has_a_repository(image: str, bare: str) -> None:
    assert repository(image) == bare


def test_a_port_is_taken_by_what_is_not_ours_where_the_unit_may_run() -> None:
    web1, web2 = Machine("1", "web1", {"zone": "a"}), Machine("2", "web2", {"zone": "b"})
    needs = Needs(ports={80: file("x", MachineMetadata="zone=a")})
    unit = Unit(UnitName("shop", "v1", 1), State.LAUNCHED, State.LAUNCHED, machine=web1, port=80)
    (trouble,) = asks.taken_ports(web1, {22, 80}, [], needs)
    assert trouble.text == "Something else listens on port 80 of web1, which shop is to have."
    assert list(asks.taken_ports(web1, {22}, [], needs)) == []
    assert list(asks.taken_ports(web1, {80}, [unit], needs)) == []
    assert list(asks.taken_ports(web2, {80}, [], needs)) == []
