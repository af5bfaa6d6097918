"""A task that a killed run began before its deploy: what comes after neither runs beside it nor ends it in silence."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from deployster_cli.domain.lock import Note
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.lock import new_note
from tests.commands.conftest import Shell
from tests.simulation import Fate, Life

LEFT = UnitName("carousel.task", "v1", 1)

# No process has this number.
DEAD = 2**22 + 1


@pytest.fixture
def left(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v0 runs, and a task of v1 that a run began which is dead by now goes on for ever, on the machine m1."""
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)
    shell("deploy carousel v0 -q --settle 0s")
    shell.engine.fates[LEFT] = Fate.EXITS
    shell("deploy carousel v1 -q --settle 0s --before", "rake 'db:migrate'")
    file = next(file for file in shell.engine.started if file.name == LEFT)
    found = Note.read(file.options)
    assert found
    alike = {**dict.fromkeys(o[1] for o in found.options())}
    note = replace(found, pid=DEAD, owner="ann", host="laptop")
    options = tuple(o for o in file.options if o[0] != "X-Deployster" or o[1] not in alike)
    own = tuple(o for o in note.options() if o[0] == "X-Deployster")
    runs(shell, replace(file, options=options + own))
    shell.engine.calls.clear()
    return shell


def runs(shell: Shell, file: object) -> None:
    shell.engine.start_delay = 10**6
    shell.engine.lives[LEFT] = Life(Fate.EXITS, placed=-10, up=10**6, file=file)  # type: ignore[arg-type]
    shell.engine.start_delay = 1.0


@pytest.mark.parametrize(
    "line",
    [
        "deploy carousel v2 --lock-wait 0s",
        "deploy carousel v2 --before true --lock-wait 0s",
        "deploy carousel v1 --destroy-previous --lock-wait 0s",
        "rollback carousel v0 --lock-wait 0s",
        "restart carousel --lock-wait 0s",
        "scale carousel 3 --lock-wait 0s",
    ],
)
def test_nothing_is_done_beside_it(left: Shell, line: str) -> None:
    code, _, err = left(line)
    assert (code, left.engine.calls, LEFT in left.engine.lives) == (5, [], True), err


def test_it_is_named_with_its_command_its_machine_since_when_and_what_ends_it(left: Shell) -> None:
    err = left("deploy carousel v2 --lock-wait 0s")[2]
    assert "Error: The task 'rake 'db:migrate'' of carousel v1, begun by ann on laptop at 2026-01-01T00:00:" in err
    assert "before a deploy on 10.0.0.1, still runs: nothing was changed." in err
    assert "deployster destroy carousel.task v1 --instance 1 --yes" in err


def test_what_is_said_to_end_it_ends_it(left: Shell) -> None:
    line = left("deploy carousel v2 --lock-wait 0s")[2].rpartition("or end it: deployster ")[2].strip()
    assert left(line)[0] == 0
    assert (left("deploy carousel v2 --lock-wait 0s --settle 0s")[0], LEFT in left.engine.lives) == (0, False)


def test_it_is_waited_for(left: Shell) -> None:
    left.engine.lives[LEFT].up = left.engine.clock.now() + 30
    code, _, err = left("deploy carousel v2 --lock-wait 5m --settle 0s")
    assert (code, err.count("Waiting for the task")) == (0, 1)


def test_it_is_waited_for_as_long_as_for_a_lock(left: Shell) -> None:
    began = left.engine.clock.now()
    assert left("deploy carousel v2 --lock-wait 60s")[0] == 5
    assert 60 <= left.engine.clock.now() - began < 70


def test_to_destroy_nobody_waits_for_it(left: Shell) -> None:
    assert left("destroy carousel v0 --yes --lock-wait 0s")[0] == 0
    assert LEFT in left.engine.lives


def test_another_service_is_none_of_its_business(left: Shell) -> None:
    assert left("deploy other v1 --lock-wait 0s --settle 0s")[0] == 0


def test_a_task_that_a_person_runs_meanwhile_leaves_it_alone(left: Shell) -> None:
    left.engine.fates[UnitName("carousel.task", "v1", 2)] = Fate.EXITS
    assert left("task carousel v1 -- true")[0] == 0
    assert LEFT in left.engine.lives


def test_a_task_that_a_person_runs_blocks_nothing(left: Shell) -> None:
    file = left.engine.lives[LEFT].file
    assert file
    note = new_note("carousel.task", "ann", "task", left.engine.clock)
    doing = tuple(o for o in note.options() if o[1] == "Doing")
    runs(left, replace(file, options=tuple(o for o in file.options if o[1] != "Doing") + doing))
    assert left("deploy carousel v2 --lock-wait 0s --settle 0s")[0] == 0


@pytest.mark.parametrize("fate", [Fate.EXITS, Fate.FAILS])
def test_one_that_is_over_holds_nobody_up(left: Shell, fate: Fate) -> None:
    left.engine.lives[LEFT] = replace(left.engine.lives[LEFT], fate=fate, up=-9)
    left.engine.fates[UnitName("carousel.task", "v2", 1)] = Fate.EXITS
    assert left("deploy carousel v2 --lock-wait 0s --settle 0s --before true")[0] == 0
    assert LEFT not in left.engine.lives
