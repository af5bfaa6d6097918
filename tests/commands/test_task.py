"""task: one run of a command, its output on stdout, its exit code ours."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.lock import Note
from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import STAMP_SECTION
from deployster_cli.operations.lock import new_note
from deployster_cli.operations.task import NOBODYS_AFTER
from tests.commands.conftest import Shell
from tests.simulation import Fate, Life, stamped

TASK = UnitName("carousel.task", "v1", 1)
OTHER = UnitName("carousel.task", "v1", 2)


@pytest.fixture
def task(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A task that has the number 1 and will end well, having written two lines."""
    monkeypatch.setattr(secrets, "randbelow", lambda _: 0)
    shell.engine.fates[TASK] = Fate.EXITS
    shell.engine.journals[TASK] = [
        Entry("Starting.", (1, 1), own=False),
        Entry("one", (2, 1)),
        Entry("two\x1b[31m", (3, 1)),
    ]
    return shell


def left_behind(shell: Shell, note: Note) -> None:
    """Another task's unit that still runs."""
    shell("task carousel v1 -- true")
    file = stamped(OTHER, *(option for option in shell.engine.started[-1].options if option[0] != STAMP_SECTION))
    file = replace(file, options=file.options + tuple(o for o in note.options() if o[0] == STAMP_SECTION))
    shell.engine.lives[OTHER] = Life(Fate.RUNS, placed=-10, up=-9, file=file)


def test_what_it_writes_goes_to_stdout_as_it_is(task: Shell) -> None:
    assert task("task carousel v1 -- rake db:migrate")[:2] == (0, "one\ntwo\x1b[31m\n")


def test_all_about_it_goes_to_stderr(task: Shell) -> None:
    err = task("task carousel v1 -- rake db:migrate")[2]
    assert "Running rake db:migrate\n" in err
    assert "rake db:migrate is done  " in err


def test_its_exit_code_is_ours(task: Shell) -> None:
    task.engine.fates[TASK] = Fate.FAILS
    code, _, err = task("task carousel v1 -- rake db:migrate")
    assert (code, "rake db:migrate ended with exit code 7  " in err) == (7, True)


def test_without_ssh_it_still_tells_failure_and_why_there_is_no_output(task: Shell) -> None:
    task.engine.fates[TASK], task.engine.mute = Fate.FAILS, "no agent"
    code, out, err = task("task carousel v1 -- rake db:migrate")
    assert (code, out, err.count("no journal for carousel.task v1 @1: no agent")) == (1, "", 1)
    assert "rake db:migrate failed  " in err


def test_a_unit_that_said_nothing_is_told_of_by_systemd(task: Shell) -> None:
    task.engine.fates[TASK], task.engine.exits = Fate.FAILS, None
    task.engine.journals[TASK] = [Entry("Failed to execute /usr/bin/docker", (1, 1), own=False)]
    code, _, err = task("task carousel v1 -- rake db:migrate")
    assert (code, "  | Failed to execute /usr/bin/docker" in err) == (1, True)


def test_one_that_goes_on_is_stopped_at_its_time_limit(task: Shell) -> None:
    task.engine.start_delay = 1000
    code, _, err = task("task carousel v1 --timeout 20s -- sleep 100")
    assert (code, task.engine.lives) == (124, {})
    assert "sleep 100 was stopped at its time limit" in err


def test_one_that_fits_no_machine_is_an_error(task: Shell) -> None:
    task.engine.fates[TASK] = Fate.NOWHERE
    code, _, err = task("task carousel v1 --timeout 20s -- true")
    assert (code, task.engine.lives) == (1, {})
    assert "Error: 'true' was not run within 20s: no machine fits" in err


def test_several_words_are_one_command(task: Shell) -> None:
    task("task carousel v1 --", "echo", "a b", "$HOME")
    assert "\"echo 'a b' '$$HOME'\"" in task.engine.started[-1].text


def test_a_single_word_is_a_shell_line(task: Shell) -> None:
    task("task carousel v1 --", "one && two")
    assert '"one && two"' in task.engine.started[-1].text


def test_its_unit_stops_by_itself_should_nobody_be_left(task: Shell) -> None:
    task("task carousel v1 --timeout 60s -- true")
    assert "TimeoutStartSec=90\n" in task.engine.started[-1].text


def test_json_is_one_value(task: Shell) -> None:
    out = task("task carousel v1 -o json -- rake")[1]
    assert json.loads(out)["task"] == {
        "service": "carousel",
        "version": "v1",
        "command": "rake",
        "exit_code": 0,
        "output": ["one", "two\x1b[31m"],
    }


def somebodys(task: Shell, fate: Fate) -> None:
    """The unit of a run on another machine, of which nobody here can tell whether it is alive."""
    left_behind(task, replace(new_note("carousel.task", "ann", "task", task.engine.clock), home="elsewhere"))
    task.engine.lives[OTHER].fate = fate


def test_what_a_dead_run_left_behind_is_taken_out(task: Shell) -> None:
    left_behind(task, replace(new_note("carousel.task", "ann", "task", task.engine.clock), pid=2**22 + 1))
    task("task carousel v1 -- true")
    assert OTHER not in task.engine.lives


def lasting(task: Shell, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the task's unit does takes so long."""
    monkeypatch.setattr(task.engine, "start_delay", seconds)


@pytest.mark.parametrize("fate", [Fate.EXITS, Fate.FAILS, Fate.ENDS])
def test_what_is_over_for_as_long_as_no_living_run_leaves_it_there_is_taken_out(
    task: Shell, fate: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebodys(task, fate)
    lasting(task, NOBODYS_AFTER, monkeypatch)
    assert task("task carousel v1 -- true")[0] == 0
    assert OTHER not in task.engine.lives


@pytest.mark.parametrize(("fate", "lasts"), [(Fate.EXITS, 1), (Fate.RUNS, NOBODYS_AFTER)])
def test_what_a_living_run_may_be_at_is_left_alone(
    task: Shell, fate: Fate, lasts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebodys(task, fate)
    lasting(task, lasts, monkeypatch)
    task("task carousel v1 -- true")
    assert list(task.engine.lives) == [OTHER]


def test_a_deploy_that_holds_the_lock_takes_out_another_deploys_task_once_that_is_over(task: Shell) -> None:
    left_behind(task, replace(new_note("carousel.task", "ann", "before a deploy", task.engine.clock), home="elsewhere"))
    task.engine.lives[OTHER].fate = Fate.EXITS
    task("deploy carousel v1 --before true")
    assert OTHER not in task.engine.lives


def test_ctrl_c_stops_it_and_takes_it_out(task: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    task.engine.start_delay = 1000
    sleep = task.engine.clock.sleep

    def interrupt_once(seconds: float) -> None:
        sleep(seconds)
        if [verb for verb, _ in task.engine.calls] == ["start"]:
            raise KeyboardInterrupt

    monkeypatch.setattr(task.engine.clock, "sleep", interrupt_once)
    code, _, err = task("task carousel v1 -- sleep 100")
    assert (code, task.engine.lives) == (130, {})
    assert "Interrupted while 'sleep 100' ran; it was stopped and removed." in err


@pytest.mark.parametrize("line", ["task carousel v1", "task Nope v1 -- true", "task carousel -v1 -- true"])
def test_bad_input_asks_nothing(task: Shell, line: str) -> None:
    assert (task(line)[0], task.engine.calls) == (2, [])


def test_a_line_break_is_refused(task: Shell) -> None:
    assert (task("task carousel v1 --", "a\nb")[0], task.engine.calls) == (2, [])


def test_nothing_says_that_it_failed_before_its_output_and_one_line_does_behind_it(
    task: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stderr)
    task.engine.fates[TASK], task.engine.place_delay, task.engine.start_delay = Fate.FAILS, 0, 0
    lines = task("task carousel v1 -- rake db:migrate")[2].splitlines()
    assert lines[-3:-1] == ["one", "two\x1b[31m"]
    assert [line for line in lines if "failed" in line or "ended" in line] == [lines[-1]]


def test_one_that_ends_badly_without_a_word_has_one_line(task: Shell) -> None:
    task.engine.fates[TASK] = Fate.FAILS
    task.engine.journals[TASK] = [Entry("Main process exited, code=exited, status=7", (1, 1), own=False)]
    lines = task("task carousel v1 -- rake db:migrate")[2].splitlines()
    assert [line for line in lines if "failed" in line or "exit" in line] == [lines[-1]]


def test_of_one_that_a_signal_ended_without_a_word_systemd_tells_more(task: Shell) -> None:
    task.engine.fates[TASK], task.engine.exits = Fate.FAILS, 137
    task.engine.journals[TASK] = [Entry("killed by the OOM killer", (1, 1), own=False)]
    assert "  | killed by the OOM killer" in task("task carousel v1 -- rake")[2]


def test_where_the_releases_folder_is_not_on_the_only_machine_it_is_not_run(task: Shell) -> None:
    task.engine.is_local = True
    code, _, err = task("task carousel v1 -- true")
    assert (code, task.engine.calls) == (6, [])
    assert "Error: The folder /srv/carousel/v1 of carousel v1 does not exist. Nothing was started." in err


@pytest.mark.parametrize(
    ("settings", "runs_in"),
    [
        ("template = 'process'\ncommand = 'x'\ndirectory = '/srv'", "/srv"),
        ("template = 'docker'\ndirectory = '/srv'", "/srv"),
        ("template = 'docker'\ncommand = 'x'", None),
        ("template = 'docker-vulcand'", None),
        ("template = 'own'", "/"),
        ("template = 'of-docker'", None),
    ],
)
def test_it_runs_where_its_service_runs(task: Shell, tmp_path: Path, settings: str, runs_in: str | None) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "own.service.j2").write_text("[Service]\nExecStart=/usr/bin/own\n")
    (tmp_path / "templates" / "of-docker.service.j2").write_text('{% extends "docker.service.j2" %}')
    (tmp_path / "deployster.toml").write_text(f"[services.carousel]\n{settings}\n")
    assert task("task carousel v1 -- true")[0] == 0
    text = task.engine.started[-1].text
    assert ("docker run" in text, f"WorkingDirectory={runs_in}\n" in text) == (runs_in is None, runs_in is not None)


@pytest.fixture
def ones_own(tmp_path: Path) -> None:
    """A template of one's own that is built on ``process``, and one that is built on that."""
    (tmp_path / "templates").mkdir()
    for name, base in (("web", "process"), ("site", "web")):
        (tmp_path / "templates" / f"{name}.service.j2").write_text(f'{{% extends "{base}.service.j2" %}}')


@pytest.mark.usefixtures("ones_own")
@pytest.mark.parametrize("template", ["process", "web", "site"])
def test_a_command_without_a_folder_of_its_own_runs_in_that_of_the_settings_here(
    task: Shell, tmp_path: Path, template: str
) -> None:
    toml = f"engine = 'local'\n[services.carousel]\ntemplate = '{template}'\ncommand = 'x'\n"
    (tmp_path / "deployster.toml").write_text(toml)
    folder = f"WorkingDirectory={tmp_path}\n"
    assert (folder in task("render carousel v1")[1], task("task carousel v1 -- true")[0]) == (True, 0)
    assert folder in task.engine.started[-1].text


@pytest.mark.usefixtures("ones_own")
@pytest.mark.parametrize("template", ["process", "web", "site"])
def test_on_a_cluster_a_command_needs_a_folder(task: Shell, tmp_path: Path, template: str) -> None:
    (tmp_path / "deployster.toml").write_text(f"[services.carousel]\ntemplate = '{template}'\ncommand = 'x'\n")
    for line in ("render carousel v1", "deploy carousel v1", "task carousel v1 -- true"):
        code, _, err = task(line)
        assert (code, "directory" in err, "/srv/carousel/{version}" in err) == (2, True, True)


def test_output_that_can_not_be_read_is_said_though_all_else_is_quiet(shell: Shell) -> None:
    shell("deploy carousel v1")
    shell.engine.mute = "No agent."
    code, out, err = shell("-q task carousel v1 -- true")
    assert (code, out) == (0, "")
    assert "The output of true could not be read: No agent." in err
