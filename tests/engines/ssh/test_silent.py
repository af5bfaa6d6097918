"""What goes on, and what does not, while one of three machines does not answer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import NET, Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

# The first and the third machine alone take units of this service.
APART = """
[services.apart]
template = "process"
directory = "/"
command = "sleep 600"
instances = 2
machine_metadata = ["name=m1", "name=m3"]
"""


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    """A folder with a deployster.toml; what is deployed from it is taken away."""
    machines.project(tmp_path, more=APART)
    yield tmp_path
    told("[(engine.locks.drop(name), engine.records.drop(name)) for name in ('carousel', 'apart')]")


def test_a_service_that_has_nothing_on_a_silent_machine_is_deployed(machines: Machines, project: Path) -> None:
    assert machines.deployster("deploy carousel v1 --settle 0s", project)[0] == 0
    assert machines.deployster("deploy apart v1 --settle 0s", project)[0] == 0
    with machines.cut_off(2):
        code, _, err = machines.deployster("deploy apart v2 --destroy-previous --settle 0s", project)
        assert (code, "m2 does not answer; apart has nothing there, and goes on without.\n" in err) == (0, True)
        code, _, err = machines.deployster("deploy carousel v2", project)
        assert (code, "What runs of carousel on m2 is not known, so nothing was changed." in err) == (4, True)
        _, out, _ = machines.deployster("units -o plain", project)
    rows = {line.split("\t")[0] + line.split("\t")[1] for line in out.splitlines()}
    assert {"apartv2", "carouselv1"} <= rows
    assert "apartv1" not in rows


def test_what_a_silent_machine_has_of_a_destroyed_release_is_not_forgotten(machines: Machines, told: Told) -> None:
    wide = "wide = [replace(unit('3m', LONG, instance=1), options=(*files[0].options, ('X-Fleet', 'Global', 'true')))]"
    told(wide, "engine.start(wide)", "until(lambda: 'running' in str(seen()))")
    with machines.cut_off(2):
        lines = [
            "engine.units(); names = names[:1]",
            "for do in (engine.stop, engine.destroy):",
            "    try: do(names)",
            "    except EngineError: pass",
            "time.sleep(1); print(seen(made()))",
        ]
        assert told(*lines) == "{1: 'm2 unknown'}"


def test_a_silent_machine_is_waited_for_once_and_noticed_when_it_is_back(told: Told) -> None:
    lines = [
        "engine.units()",
        "cable(2, 'down')",
        "engine.units()",
        "began = time.monotonic()",
        "for _ in range(6): engine.units(); time.sleep(1)",
        "print(len(engine.silent), time.monotonic() - began < 9)",
        "cable(2, 'up')",
        "began = time.monotonic()",
        "until(all_back)",
        "print(time.monotonic() - began < 8)",
    ]
    assert told(*lines).splitlines() == ["1 True", "True"]


def test_machines_that_are_back_are_asked_at_once_where_too_few_others_answer(told: Told) -> None:
    lines = [
        "engine.units()",
        "cable(2, 'down'); cable(3, 'down')",
        "engine.units()",
        "silent = len(engine.silent)",
        "cable(2, 'up'); cable(3, 'up')",
        "time.sleep(1)",  # until their network is up
        "engine._cluster._absent.try_again = lambda: None",
        "engine.locks.put(note('mine')); print(silent, engine.locks.read('carousel').token)",
    ]
    assert told(*lines) == "2 mine"


@pytest.fixture
def mid_deploy(machines: Machines, project: Path) -> Iterator[subprocess.Popen[str]]:
    """A deploy over v1 whose new instances are up and being watched."""
    assert machines.deployster("deploy carousel v1 --settle 0s", project)[0] == 0
    with machines.begun("deploy carousel v2 --destroy-previous --settle 40s", project) as run:
        assert run.stderr
        for line in run.stderr:
            if "v2 @3  running" in line:
                break
        yield run


def test_a_machine_lost_in_mid_deploy_fails_it_and_the_rest_is_as_it_was(
    machines: Machines, project: Path, mid_deploy: subprocess.Popen[str]
) -> None:
    with machines.cut_off(2):
        began = time.monotonic()
        _, err = mid_deploy.communicate(timeout=90)
        took = time.monotonic() - began
        assert "v2 @2 may run on m2, which does not answer any more." in err.replace("carousel ", "")
        _, out, _ = machines.deployster("units -o plain", project)
    assert (mid_deploy.returncode, took < 60) == (1, True)
    rows = [line.split("\t")[:4] for line in out.splitlines()]
    assert [row[2:4] for row in rows if row[1] == "v1"] == [["1", "running"], ["2", "unknown"], ["3", "running"]]
    assert [row[2:4] for row in rows if row[1] == "v2"] == [["2", "unknown"]]


def test_a_machine_that_answers_is_not_left_out_of_a_change(machines: Machines, project: Path) -> None:
    code, _, err = machines.deployster("deploy carousel v1 --without m2", project)
    assert (code, err.splitlines()[-2]) == (2, "Error: m2 answers, so it can't be left out: nothing was changed.")
    assert machines.deployster("units --without m2", project)[0] == 0


def test_a_lock_on_half_of_the_machines_says_whom_it_does_not_keep_away(machines: Machines, project: Path) -> None:
    machines.project(project, machines='"m1", "m2"')
    with machines.cut_off(2):
        code, _, err = machines.deployster("deploy carousel v1 --without m2 --settle 0s", project)
    assert code == 0
    assert "Without m2 the lock is on m1 alone: see to it that nobody leaves that out at the same time.\n" in err


def test_a_host_key_that_changed_stops_every_change(machines: Machines, project: Path) -> None:
    known, other = project / "known_hosts", machines.config.parent / "key.pub"
    known.write_text(f"10.88.0.11 {other.read_text()}")
    machines.project(project, more=f'known_hosts_file = "{known}"\n{APART}', machines='"m1"')
    code, _, err = machines.deployster("deploy apart v1", project)
    assert (code, "THE SSH HOST KEY OF m1 HAS CHANGED: nothing was sent." in err) == (4, True)


def test_a_lock_that_was_given_back_is_nobodys_on_a_machine_that_was_away(machines: Machines, told: Told) -> None:
    lines = [
        "engine.locks.put(note('ended'))",
        "cable(1, 'down')",
        "engine.locks.end(note('ended'))",
        "cable(1, 'up')",
        "until(all_back)",
        "other = made(); print(other.locks.read('carousel'))",
        "other.locks.put(note('next')); print(made().locks.read('carousel').token)",
        "other.units(); print(other.locks.shown(note('next')))",
    ]
    assert told(*lines).split() == ["None", "next", "True"]
    left = [
        machine.run("grep", "-c", "Token=next", "/var/lib/deployster/locks/carousel.lock") for machine in machines.each
    ]
    assert left == ["1", "1", "1"]


def test_what_runs_cut_off_from_one_another_have_noted_is_believed_of_both(machines: Machines, told: Told) -> None:
    with machines.cut_off(2), machines.cut_off(3):
        told("alone = made('m2', 'm3'); alone.units(); alone.start([files[0]])")
    with machines.cut_off(1):
        told("others = made('m1'); others.units(); others.start(files[1:])")
    with machines.cut_off(3):
        assert told("print(seen())") == "{1: 'm1 running', 2: 'm2 running', 3: 'm3 unknown'}"


def test_a_listing_that_a_program_was_missing_for_is_none(machines: Machines, told: Told) -> None:
    told("engine.start(files)", "until(lambda: all('running' in one for one in seen().values()))")
    for program, broken in (("sha1sum", "kill -9 $$"), ("awk", "kill -9 $$")):
        at = machines.each[1].run("readlink", "-f", f"/usr/bin/{program}")
        machines.each[1].run("mv", at, f"{at}.whole")
        try:
            machines.each[1].path(at).write_text(f"#!/bin/sh\n{broken}\n")
            machines.each[1].run("chmod", "755", at)
            assert told("print(seen(made())[2], [one.machine.label for one in engine.silent])") == "m2 unknown []"
        finally:
            machines.each[1].run("mv", f"{at}.whole", at)
    assert told("print(seen()[2])") == "m2 running"


def test_a_silent_machine_by_another_name_is_not_forgotten(machines: Machines, project: Path) -> None:
    assert machines.deployster("deploy carousel v1 --settle 0s", project)[0] == 0
    with machines.cut_off(2):
        machines.project(project, machines=f'"m1", "root@{NET}.12", "m3"')
        assert "unknown" in machines.deployster("units carousel", project)[1]
        code, _, err = machines.deployster("deploy carousel v2 --destroy-previous", project)
        assert (code, "is not known, so nothing was changed" in err) == (4, True)
        machines.project(project, machines='"m1", "m3"')
        assert "left out" in machines.deployster("units carousel", project)[1]
        code, _, err = machines.deployster("deploy carousel v2 --destroy-previous --settle 0s", project)
        assert (code, "carousel v1 @2 may still run" in err) == (0, True)
        assert "left out" not in machines.deployster("units carousel", project)[1]
    machines.project(project)
