"""deploy --before: a command that has to succeed before anything is deployed."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from itertools import count

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.operations.lock import new_note
from tests.commands.conftest import Shell
from tests.simulation import Fate, Life, stamped

TASK = UnitName("carousel.task", "v2", 1)


@pytest.fixture
def before(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 runs, and the task of v2, which has the number 1, would end well.

    Chance says 0, 1, 2, … and not 0 for ever: whoever looks for a number that is free must come to one.
    """
    chance = count()
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(chance))
    shell("deploy carousel v1 -q")
    shell.engine.calls.clear()
    shell.engine.fates[TASK] = Fate.EXITS
    return shell


def test_the_task_is_over_before_the_first_instance_starts(before: Shell) -> None:
    code, _, err = before("deploy carousel v2 --before", "rake db:migrate")
    assert (code, [verb for verb, _ in before.engine.calls]) == (0, ["start", "stop", "destroy", "start"])
    assert "Z Running rake db:migrate\n" in err
    assert "Z rake db:migrate is done  " in err
    assert "| a last word of carousel.task v2 @1" in err


def test_the_command_is_in_the_tasks_unit(before: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[str] = []
    start = before.engine.start

    def and_keep(units: Collection[UnitFile]) -> None:
        files.extend(unit.text for unit in units)
        start(units)

    monkeypatch.setattr(before.engine, "start", and_keep)
    before("deploy carousel v2 --before", "rake db:migrate")
    assert "Type=oneshot\n" in files[0]
    assert "rake db:migrate" in files[0]
    assert "WorkingDirectory=/srv/carousel/v2\n" in files[0]


def test_a_failing_task_stops_the_deploy_before_anything_started(before: Shell) -> None:
    before.engine.fates[TASK] = Fate.FAILS
    code, _, err = before("deploy carousel v2 --destroy-previous --before", "rake db:migrate")
    assert (code, list(before.engine.lives)) == (1, [UnitName("carousel", "v1", 1)])
    assert "Error: 'rake db:migrate' failed, so nothing of carousel v2 was started." in err


def test_nothing_of_a_task_is_left_behind(before: Shell) -> None:
    before("deploy carousel v2 --before", "rake db:migrate")
    assert TASK not in before.engine.lives


def test_what_a_killed_run_left_behind_is_taken_out_first(before: Shell) -> None:
    left = UnitName("carousel.task", "v0", 1)
    before.engine.add_running(left)
    assert before("deploy carousel v2 --before", "rake db:migrate")[0] == 0
    assert before.engine.calls[:2] == [("stop", (left,)), ("destroy", (left,))]


def test_a_number_that_another_persons_task_has_is_left_to_it(before: Shell) -> None:
    taken, free = TASK, UnitName(TASK.service, TASK.version, 2)
    note = replace(new_note(TASK.service, "ann", "task", before.engine.clock), home="elsewhere")
    file = replace(stamped(taken), options=(*stamped(taken).options, *note.options()))
    before.engine.lives[taken] = Life(Fate.RUNS, placed=-10, up=-9, file=file)
    before.engine.fates[free] = Fate.EXITS
    assert before("deploy carousel v2 --before", "rake db:migrate")[0] == 0
    assert before.engine.calls[0] == ("start", (free,))


def test_where_there_is_nothing_to_start_no_task_is_run(before: Shell) -> None:
    assert before("deploy carousel v1 --before", "rake db:migrate")[0] == 0
    assert before.engine.calls == []


def test_ctrl_c_in_a_task_takes_it_out(before: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    before.engine.fates[TASK] = Fate.NOWHERE
    sleep = before.engine.clock.sleep

    def interrupt_once(seconds: float) -> None:
        sleep(seconds)
        if before.engine.calls == [("start", (TASK,))]:
            raise KeyboardInterrupt

    monkeypatch.setattr(before.engine.clock, "sleep", interrupt_once)
    code, _, err = before("deploy carousel v2 --before", "rake db:migrate")
    assert (code, list(before.engine.lives)) == (130, [UnitName("carousel", "v1", 1)])
    said = "it was stopped and taken out. Nothing of carousel v2 was started."
    assert f"Interrupted while 'rake db:migrate' ran; {said}" in err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "it is stopping, and the next task clears away its unit, carousel.task v2 @1."),
        (30, "it was stopped, and the next task clears away its unit, carousel.task v2 @1."),
    ],
)
def test_a_second_ctrl_c_says_whether_the_task_that_is_left_has_stopped(
    before: Shell, monkeypatch: pytest.MonkeyPatch, seconds: float, said: str
) -> None:
    before.engine.fates[TASK] = Fate.RUNS
    sleep = before.engine.clock.sleep

    def interrupt(pause: float) -> None:
        asked = [verb for verb, _ in before.engine.calls]
        sleep({"start": 10, "stop": seconds}.get(asked[-1], pause) if asked else pause)
        if asked:
            raise KeyboardInterrupt

    monkeypatch.setattr(before.engine.clock, "sleep", interrupt)
    code, _, err = before("deploy carousel v2 --before", "rake db:migrate")
    assert (code, TASK in before.engine.lives) == (130, True)
    assert f"Interrupted while 'rake db:migrate' ran; {said} Nothing of carousel v2 was started." in err


@pytest.mark.parametrize(
    ("is_local", "said"), [(True, "it was stopped and taken out."), (False, "carousel.task v2 @1 may still run.")]
)
def test_where_a_listing_lacks_the_task_that_proves_something_on_one_machine_only(
    before: Shell, monkeypatch: pytest.MonkeyPatch, is_local: bool, said: str
) -> None:
    def interrupt(seconds: float) -> None:
        sleep(seconds)
        if before.engine.calls:
            before.engine.emptied = True
            raise KeyboardInterrupt

    before.engine.fates[TASK], sleep = Fate.RUNS, before.engine.clock.sleep
    monkeypatch.setattr(before.engine.clock, "sleep", interrupt)
    monkeypatch.setattr(before.engine, "is_local", is_local)
    _, _, err = before("deploy carousel v2 --before", "rake db:migrate", "--set", "directory=/")
    assert f"Interrupted while 'rake db:migrate' ran; {said} Nothing of carousel v2 was started." in err


@pytest.mark.parametrize("dry", ["", "--dry-run "])
def test_a_command_with_a_line_break_is_refused_before_anything_is_asked(shell: Shell, dry: str) -> None:
    code, _, err = shell(f"deploy carousel v2 {dry}--before", "rake\nrm -rf /")
    assert (code, shell.engine.calls, shell.engine.locks.notes) == (2, [], {})
    assert "--before" in err
