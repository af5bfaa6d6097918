"""The lab of machines that ssh reaches: what it reads off their disks and out of runs, without one that is booted."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from attempt import Attempt, project
from over_ssh import HOSTILE, differing, spoken
from place import Lab
from plain import FOLDER, STATE, Plain, littered
from scenarios import SCENARIOS

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """One with two machines' disks: a unit on both, one of them wanted, a lock, and a draft on each."""
    for number in (1, 2):
        units, state = (tmp_path / f"machine{number}/root" / folder for folder in (FOLDER, STATE))
        (units / "multi-user.target.wants").mkdir(parents=True)
        (state / "locks").mkdir(parents=True)
        (units / "broken-v1@1.service").touch()
        (units / "multi-user.target.wants/broken-v1@1.service").symlink_to("../broken-v1@1.service")
        (units / f".deployster.{number}.draft").touch()
    (state / "locks/broken.lock").touch()
    (units / "dbus-org.service").symlink_to("/lib/systemd/system/dbus.service")
    return Lab(tmp_path, "no-lab", "10.79.0", Plain())


def test_a_unit_on_two_machines_is_there_twice_and_a_lock_is_named_as_one(lab: Lab) -> None:
    assert Plain().registry(lab) == ["broken-v1@1.service"] * 2 + ["deployster-lock-broken.service"]


def test_what_is_half_written_is_found_on_every_machine(lab: Lab) -> None:
    assert littered(lab) == [".deployster.1.draft on machine 1", ".deployster.2.draft on machine 2"]


def test_a_project_for_it_names_the_machines_and_takes_any_value(lab: Lab) -> None:
    values = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    read = tomllib.loads(project("broken", {"env": values}, {}, Plain().project(lab)))
    assert (read["ssh"]["machines"], read["services"]["broken"]["env"]) == (["m1", "deploy@m2"], values)


def attempt(tmp_path: Path, code: int, said: str) -> Attempt:
    found = Attempt.__new__(Attempt)
    found.code, found.log = code, tmp_path / "said.log"
    found.log.write_text(said)
    return found


@pytest.mark.parametrize(
    ("code", "said", "wrong"),
    [
        (0, "Done: it runs.", 0),
        (4, "Error: m3 does not answer.", 0),
        (1, "Error: it failed.", 1),
        (4, "m3 does not answer.", 1),
        (4, "Error: odd\nTraceback (most recent call last):", 1),
    ],
)
def test_a_run_ends_with_a_code_that_is_due_and_in_a_sentence(code: int, said: str, wrong: int, tmp_path: Path) -> None:
    assert len(spoken(attempt(tmp_path, code, said), (0, 4))) == wrong


@pytest.mark.process
def test_a_variable_that_is_not_as_it_was_given_is_found() -> None:
    given = {"A": HOSTILE[0], "B": "b"}
    argv = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, env=given | {"B": "c"}, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert differing(child.pid, given) == ["B is 'c', not 'b'"]
        child.communicate(b"\n", timeout=10)


@pytest.mark.process
def test_a_scenario_of_another_engine_is_refused() -> None:
    argv = [sys.executable, str(REPOSITORY / "lab/faults.py"), "--engine", "fleet", "ssh-flips"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (2, "lab/faults: ssh-flips needs --engine ssh.\n")
    assert {scenario.engine == "ssh" for name, scenario in SCENARIOS.items() if name.startswith("ssh-")} == {True}
