"""Locks on three machines where another script holds them up, or a machine is away."""

from __future__ import annotations

import contextlib
import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.operations import lock
from tests.engines.local.machine import Machine
from tests.engines.ssh.conftest import PRELUDE, Told
from tests.engines.ssh.machines import Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

LOCK = "/var/lib/deployster/locks/carousel.lock"

# Who holds a lock up each time, as a unit: systemd may still know the last one.
_HOLDERS = (f"held-lock-{number}.service" for number in itertools.count())

# As on another computer: nobody there can tell whether a process of ours lives.
ELSEWHERE = ("unshare", "-p", "-f", "--mount-proc")


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    machines.project(tmp_path)
    yield tmp_path
    told("engine.locks.drop('carousel'); engine.records.drop('carousel')")


@contextlib.contextmanager
def held_up(*on: Machine) -> Iterator[None]:
    """While this lasts no script of a lock gets on there."""
    holder = next(_HOLDERS)
    for machine in on:
        machine.run("mkdir", "-p", "/var/lib/deployster/locks")
        machine.run("systemd-run", "--quiet", "--collect", f"--unit={holder}", "flock", f"{LOCK}.alone", "sleep", "300")
        end = time.monotonic() + 20
        while not machine.tried("flock", "-n", f"{LOCK}.alone", "true").returncode:
            assert time.monotonic() < end
    try:
        yield
    finally:
        for machine in on:
            machine.tried("systemctl", "stop", holder)


def test_a_lock_that_could_not_be_written_at_first_is_taken_once_it_can_be(machines: Machines, project: Path) -> None:
    with machines.begun("deploy carousel v1 --settle 0s --lock-wait 60s", project) as run:
        with held_up(*machines.each[:2]):
            time.sleep(8)
            assert run.poll() is None
        out, err = run.communicate(timeout=90)
    assert (run.returncode, "Done: carousel v1 runs (3 instances)" in out) == (0, True), out + err


def test_what_holds_a_lock_up_is_named(machines: Machines, project: Path) -> None:
    with held_up(*machines.each[:2]):
        code, _, err = machines.deployster("deploy carousel v1", project)
    assert (code, f"Another run has held {LOCK}.alone for 5 s. Nothing was started." in err) == (4, True), err
    assert "Only 1 of 3 machines could do it." in err


def test_ctrl_c_while_a_lock_is_held_up_leaves_none_behind(machines: Machines, project: Path) -> None:
    with held_up(*machines.each), machines.begun("deploy carousel v1", project) as run:
        for machine in machines.each:
            end = time.monotonic() + 20
            while machine.tried("pgrep", "-f", "flock -w").returncode:
                assert time.monotonic() < end
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, "Traceback" in err) == (130, False), out + err
    code, out, err = machines.deployster("deploy carousel v2 --settle 0s --lock-wait 20s", project, enter=ELSEWHERE)
    assert code == 0, out + err


def test_a_lock_that_was_unlocked_does_not_come_back_with_a_machine(machines: Machines, project: Path) -> None:
    put = f"engine.locks.put(replace(note('left'), home={lock._home()!r}, pid={2**22 + 1}))"  # of a process that died
    machines.python("\n".join((PRELUDE.replace("CONFIG", repr(str(machines.config))), put)))
    with machines.cut_off(3):
        code, out, err = machines.deployster("unlock carousel --yes", project, seconds=150)
        assert code == 0, out + err
    assert machines.each[2].tried("test", "-e", LOCK).returncode == 0
    code, out, err = machines.deployster("deploy carousel v1 --settle 0s", project, enter=ELSEWHERE)
    assert code == 0, out + err
