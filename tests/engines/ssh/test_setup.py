"""Machines that are made ready over ssh: a real apt-get, from a folder of packages on each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.local.machine import missing
from tests.engines.ssh.machines import Machines, several

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

PRELUDE = r"""
import sys, time
from deployster_cli.domain.units.needs import Needs
from deployster_cli.engines.ssh import setup
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.engine import SshEngine
from deployster_cli.engines.ssh.hosts import host
from deployster_cli.errors import EngineError, EngineUnreachable
NEEDS = Needs(programs=(("curl",),))
def made(*names, **options):
    return SshEngine(SshOptions(tuple(host(name) for name in names), config=CONFIG, **options))
engine = made("m1", "m2", "m3")
def left(by=engine):
    return {name: [one.command for one in steps] for name, steps in by.setup.steps(NEEDS).items()}
def take(by=engine, on="m1", limit=60, told=print):
    for step in by.setup.steps(NEEDS)[on]:
        try:
            by.setup.take(step, limit, told)
        except EngineError as error:
            print(type(error).__name__, error.message, error.hint)
"""

# A package that takes a moment to go in, and the index of the folder that it is in.
PACKAGES = r"""
set -e
mkdir -p /repo/new/DEBIAN /repo/new/usr/bin
printf '%s\n' 'Package: curl' 'Version: 99' 'Architecture: all' 'Maintainer: a <a@b.c>' 'Description: a' \
  >/repo/new/DEBIAN/control
printf '#!/bin/sh\nsleep 2\n' >/repo/new/DEBIAN/preinst
printf '#!/bin/sh\n' >/repo/new/usr/bin/curl
chmod 755 /repo/new/DEBIAN/preinst /repo/new/usr/bin/curl
cd /repo
dpkg-deb -b new curl.deb >/dev/null
{ cat new/DEBIAN/control; echo "Filename: ./curl.deb"; echo "Size: $(stat -c %s curl.deb)"
  echo "SHA256: $(sha256sum curl.deb | cut -d ' ' -f 1)"; } >Packages
echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
"""

INSTALL = "apt-get update; apt-get -y install curl"
FOLDER = "mkdir -p -m 700 /var/lib/deployster"

HOLD = """
import fcntl, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(15)
"""


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    if why := missing():
        pytest.skip(why)
    with several(tmp_path_factory.mktemp("machines")) as found:
        for machine in found.each:
            machine.run("sh", "-c", PACKAGES)
        yield found


@pytest.fixture
def machines(booted: Machines) -> Machines:
    """Machines without curl and state folder."""
    for machine in booted.each:
        machine.run("sh", "-c", "rm -rf /var/lib/deployster; [ ! -e /usr/bin/curl ] || dpkg --purge curl 2>&1")
    return booted


def python(machines: Machines, *lines: str) -> str:
    return machines.python("\n".join((PRELUDE.replace("CONFIG", repr(str(machines.config))), *lines)))


def test_what_is_left_is_done_once(machines: Machines) -> None:
    assert python(machines, "print(left())") == str({name: [FOLDER, INSTALL] for name in ("m1", "m2", "m3")})
    assert python(machines, "take()", "print(left()['m1'], len(left()['m2']))") == "[] 2"
    assert machines.each[0].run("stat", "-c", "%a", "/var/lib/deployster") == "700"
    assert machines.each[0].run("curl") == ""


def test_a_machine_that_is_cut_off_is_named_beside_the_others(machines: Machines) -> None:
    with machines.cut_off(2):
        said = python(machines, "print({name: isinstance(one, EngineUnreachable) for name, one in "
                      "engine.setup.steps(NEEDS).items()})")  # fmt: skip
    assert said == "{'m1': False, 'm2': True, 'm3': False}"


def test_check_names_what_is_missing_and_ports_that_something_else_has(machines: Machines) -> None:
    lines = [
        "from tests.engines.local.units import unit",
        "needs = Needs((('curl',), ('sh',)), {22: unit('v1', 'ExecStart=/bin/true'), 23: unit('v1')})",
        "print(*((one.about, one.machine, one.text) for one in made('m1').troubles(needs)), sep='\\n')",
    ]
    assert python(machines, *lines).splitlines() == [
        "('machine', 'm1', 'm1 lacks curl.')",
        "('port', 'm1', 'Something else listens on port 22 of m1, which carousel is to have.')",
    ]


def test_a_package_that_nobody_has_is_told_in_apt_s_words(machines: Machines) -> None:
    dead = "/etc/apt/sources.list.d/dead.list"
    machines.each[0].run("sh", "-c", f"mv /repo/Packages /repo/none; echo deb http://127.0.0.1:9/ x main >{dead}")
    try:
        said = python(machines, "take()")
    finally:
        machines.each[0].run("sh", "-c", f"mv /repo/none /repo/Packages; rm {dead}")
    assert said.startswith("EngineError Setting up failed on m1: E: ")
    assert "W: Failed to fetch http://127.0.0.1:9/" in said
    assert "Could not connect" in said


def test_apt_s_lock_is_waited_for_and_not_for_ever(machines: Machines) -> None:
    lines = ["take()", "print(left()['m1'])"]
    machines.each[0].run(
        "sh", "-c", f"python3 -c '{HOLD}' >/root/held 2>&1 & until grep -q held /root/held; do :; done"
    )
    said = python(machines, "setup._AGAIN = 0.5", "take(limit=6)", *lines).splitlines()
    assert said[0].startswith("waits: E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process ")
    assert said[1].startswith("EngineError m1 was waited for in vain for 6 s: E: Could not get lock")
    assert said[2].startswith("waits: ")
    assert said[3:] == ["[]"]


def test_an_install_outlives_its_connection(machines: Machines) -> None:
    said = python(machines, "engine.setup.steps(NEEDS)", "take(limit=1)")
    assert said.startswith("EngineUnreachable m1 gave no answer within 1")
    assert said.endswith("What was begun there goes on to its end. Run deployster setup again: it sees what is left.")
    until = ["end = time.monotonic() + 30", "while left()['m1'] and time.monotonic() < end: time.sleep(0.2)"]
    assert python(machines, *until, "print(left()['m1'])") == "[]"
    gone = "for n in $(seq 50); do ls /tmp | grep -q '^tmp' || exit 0; sleep 0.1; done; exit 1"
    assert machines.each[0].run("sh", "-c", gone) == ""


def test_a_login_s_own_units_are_made_to_linger_by_sudo_where_it_may(machines: Machines) -> None:
    machine = machines.each[2]
    machine.run("sh", "-c", "useradd -m deploy; cp -r /root/.ssh /home/deploy/; chown -R deploy: /home/deploy/.ssh")
    mine = "mine = made('deploy@m3', user=True)"
    by_hand = "print([(one.command, one.by_hand) for one in mine.setup.steps(Needs())['m3']])"
    cant = "deploy may not become root on m3 without a password."
    assert python(machines, mine, by_hand) == str([("loginctl enable-linger deploy", cant)])
    machine.path("/etc/sudoers.d/deploy").write_text("deploy ALL=(ALL) NOPASSWD: ALL\n")
    lines = ["NEEDS = Needs()", "take(mine, 'm3')", "print(left(mine))"]
    assert python(machines, mine, *lines) == "{'m3': []}"


def test_a_host_name_that_sudo_can_not_resolve_is_not_taken_for_a_refusal(machines: Machines) -> None:
    machine = machines.each[2]
    machine.run("sh", "-c", "id deploy >/dev/null || useradd -m deploy; cp -r /root/.ssh /home/deploy/")
    machine.run("sh", "-c", "chown -R deploy: /home/deploy/.ssh; hostname strange")
    machine.path("/etc/sudoers.d/deploy").write_text("deploy ALL=(ALL) NOPASSWD: ALL\n")
    machine.run("mv", "/repo/Packages", "/repo/none")
    try:
        said = python(machines, "mine = made('deploy@m3')", "take(mine, 'm3')")
    finally:
        machine.run("mv", "/repo/none", "/repo/Packages")
    assert said.startswith("EngineError Setting up failed on m3: ")
