"""Values that a shell, ssh or systemd would read as more than themselves: none adds a line, an option or a command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines.ssh.conftest import Told
from tests.engines.ssh.machines import Machines

pytestmark = [pytest.mark.systemd, pytest.mark.ssh]

# Each would make a file /pwned, or set a variable PWNED, where it is read as more than a value.
HOSTILE = (
    "$(touch /pwned)",
    "`touch /pwned`",
    "'; touch /pwned; '",
    '"; touch /pwned; "',
    "x\\",
    "& touch /pwned &",
    "|touch /pwned",
    ">/pwned",
    "-oProxyCommand=touch /pwned",
    "%n %i %% ${PWNED} $PWNED $$",
    'a" PWNED=1 "',
    "ü ☃ #;!*?[a]~",
    " spaces  within ",
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(machines: Machines, told: Told, tmp_path: Path) -> Iterator[Path]:
    machines.project(tmp_path)
    yield tmp_path
    told("engine.locks.drop('carousel'); engine.records.drop('carousel')")
    there = [machine.path("/pwned") for machine in machines.each if machine.path("/pwned").exists()]
    assert [*there, *filter(Path.exists, (Path("/pwned"), tmp_path / "pwned"))] == []


@pytest.fixture
def run(machines: Machines, project: Path) -> Run:
    return lambda *words, **more: machines.deployster(shlex.join(words), project, **more)


def test_a_units_variables_are_what_was_given(machines: Machines, run: Run) -> None:
    given = {f"V{number}": value for number, value in enumerate(HOSTILE)}
    words = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
    code, out, err = run("deploy", "carousel", "v1", "--instances", "1", "--settle", "0s", *words)
    assert code == 0, out + err
    pid = machines.each[0].run("systemctl", "show", "-P", "MainPID", "carousel-v1@1.service")
    seen = machines.each[0].run("cat", f"/proc/{pid}/environ").split("\0")
    found = dict(variable.split("=", 1) for variable in seen if variable.startswith(("V", "PWNED")))
    assert found == given
    assert run("deploy", "carousel", "v2", "--env", "A=one\ntwo")[0] == 2


def test_a_units_command_is_what_was_given(machines: Machines, run: Run) -> None:
    words = ["printf", "%s\\n", *HOSTILE[:-1]]
    command = f"sh -c {shlex.quote(shlex.join(words) + '; exec sleep 600')}"
    code, out, err = run(
        "deploy", "carousel", "v1", "--instances", "1", "--settle", "0s", "--set", f"command={command}"
    )
    assert code == 0, out + err
    printed = [line.partition(" | ")[2] for line in run("logs", "carousel", "--lines", "100")[1].splitlines()]
    assert [line for line in printed if line in HOSTILE] == [*HOSTILE[:-1]], printed


def test_what_ssh_and_task_are_given_arrives_as_it_is(run: Run) -> None:
    assert run("deploy", "carousel", "v1", "--settle", "0s")[0] == 0
    code, out, err = run("ssh", "carousel", "--", "printf", "%s\\n", *HOSTILE)
    assert (code, out.splitlines()) == (0, [*HOSTILE]), err
    code, out, err = run("task", "carousel", "v1", "--", "printf", "%s\\n", *HOSTILE)
    assert (code, out.splitlines()) == (0, [value.rstrip() for value in HOSTILE]), err  # journald cuts a line's end


def test_a_folder_that_no_machine_has_is_named_and_nothing_else_comes_of_it(run: Run) -> None:
    for value in HOSTILE:
        code, _, err = run("deploy", "carousel", "v1", "--set", f"directory=/srv/{value}")
        assert (code in {2, 6}, "Traceback" in err) == (True, False), (value, code, err)
    assert run("units", "carousel", "-o", "plain")[1] == ""


def test_metadata_is_compared_or_refused(machines: Machines, project: Path, run: Run) -> None:
    for value in HOSTILE:
        machines.project(project, machines=f'{{ host = "m1", metadata = {{ zone = {json.dumps(value)} }} }}')
        code, _, err = run("deploy", "carousel", "v1", "--settle", "0s", "--set", f"machine_metadata=zone={value}")
        assert (code in {0, 2}, "Traceback" in err) == (True, False), (value, err)
        assert run("destroy", "carousel", "v1", "--yes")[0] in {0, 2, 6}


def test_a_persons_name_stands_in_lock_and_stamp_as_it_is(run: Run) -> None:
    name = " ".join(HOSTILE)
    code, out, err = run("deploy", "carousel", "v1", "--settle", "0s", env={"LOGNAME": name, "USER": name})
    assert code == 0, out + err
    by = json.loads(run("history", "carousel", "-o", "json")[1])["history"][0]["deployed_by"]
    assert by.rpartition("@")[0] == "".join(char for char in name if char.isascii() and char not in ' "%\\')


def test_no_such_machine_is_reached(machines: Machines, project: Path, run: Run) -> None:
    for value in HOSTILE:
        machines.project(project, machines=json.dumps(value))
        code, _, err = run("units")
        assert (code, "must be a list of machines" in err) == (2, True), err
