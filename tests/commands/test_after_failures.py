"""What a run that failed or was interrupted leaves behind, and what the next one makes of it."""

from __future__ import annotations

import pytest

from deployster_cli.domain.units.names import UnitName
from tests.commands.conftest import Shell
from tests.commands.test_instances import doomed, interrupted, there
from tests.simulation import Fate


def interrupted_once_stopped(shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """The command, and Ctrl-C when the earlier instances have been asked to stop."""

    def stop(seconds: float) -> None:
        shell.engine.clock.at += seconds
        if any(verb == "stop" for verb, _ in shell.engine.calls):
            raise KeyboardInterrupt

    shell.engine.calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(shell.engine.clock, "sleep", stop)
        assert shell(line)[0] == 130
    shell.engine.clock.sleep(10)


def dead(shell: Shell, version: str) -> None:
    """All of its instances have failed, and those to come will."""
    doomed(shell, version)
    for name, life in shell.engine.lives.items():
        if name.version == version:
            life.fate = Fate.FAILS


@pytest.mark.parametrize("order", ["start-first", "stop-first"])
@pytest.mark.parametrize("then", ["v2", "v3"])
def test_whatever_fails_after_an_interrupted_run_what_that_had_stopped_runs_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, then: str, order: str
) -> None:
    shell("deploy carousel v0 --instances 3")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --on-failure keep")[0] == 1
    interrupted_once_stopped(shell, monkeypatch, f"deploy carousel v2 --destroy-previous --order {order}")
    assert shell.engine.running("carousel", "v0") == 0
    dead(shell, "v2")
    dead(shell, then)
    code, _, err = shell(f"deploy carousel {then} --destroy-previous --order {order}")
    assert (code, shell.engine.running("carousel", "v0")) == (1, 3)
    assert "carousel v0 @1 @2 @3 were stopped and run again" in err
    assert shell.engine.records.kept["carousel"].stopped == ()


def test_those_of_them_that_do_not_come_up_again_are_named(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("deploy carousel v0 --instances 2")
    interrupted_once_stopped(shell, monkeypatch, "deploy carousel v2 --destroy-previous")
    dead(shell, "v2")
    shell.engine.fates[UnitName("carousel", "v0", 1)] = Fate.FAILS
    code, _, err = shell("deploy carousel v2 --destroy-previous")
    assert (code, shell.engine.running("carousel", "v0")) == (1, 1)
    assert "of the 2 earlier instances these do not run: carousel v0 @1" in err
    assert "Go back with deployster rollback carousel v0" in err


def test_an_instance_that_was_off_before_an_interrupted_run_stays_off(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("deploy carousel v0 --instances 3")
    shell.engine.stop([UnitName("carousel", "v0", 3)])
    shell.engine.clock.sleep(10)
    interrupted_once_stopped(shell, monkeypatch, "deploy carousel v2 --destroy-previous")
    dead(shell, "v2")
    assert shell("deploy carousel v2 --destroy-previous")[0] == 1
    assert there(shell)["v0"] == 2


def test_once_a_change_has_ended_nothing_is_known_of_the_interrupted_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("deploy carousel v0 --instances 3")
    interrupted_once_stopped(shell, monkeypatch, "deploy carousel v2 --destroy-previous")
    assert len(shell.engine.records.kept["carousel"].stopped) == 3
    assert shell("rollback carousel v0")[0] == 0
    assert there(shell) == {"v0": 3}
    assert not shell.engine.records.kept["carousel"].stopped


def test_a_rollback_passes_over_a_release_that_never_came_up(shell: Shell) -> None:
    shell("deploy carousel v1")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --on-failure keep")[0] == 1
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    code, out, _ = shell("rollback carousel")
    assert (code, there(shell)) == (0, {"v1": 1})
    assert "carousel v1 runs" in out


def test_a_release_that_came_up_at_last_can_be_gone_back_to(shell: Shell) -> None:
    shell("deploy carousel v1")
    doomed(shell, "late")
    assert shell("deploy carousel late --on-failure keep")[0] == 1
    shell.engine.fates.clear()
    assert shell("deploy carousel late --destroy-previous")[0] == 0
    assert shell("deploy carousel v3 --destroy-previous")[0] == 0
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"late": 1}


def test_a_rollback_brings_back_as_many_as_the_failed_release_has_taken_down(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 4")
    doomed(shell, "bad")
    line = "deploy carousel bad --instances 1 --order stop-first --destroy-previous --on-failure keep"
    assert shell(line)[0] == 1
    assert (shell("rollback carousel --yes")[0], there(shell)) == (0, {"v1": 4})


def test_a_release_that_never_came_up_says_nothing_about_the_number(shell: Shell) -> None:
    shell("deploy carousel v1 --instances 4")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --instances 1 --on-failure keep")[0] == 1
    assert shell("deploy carousel v2 --destroy-previous")[0] == 0
    assert there(shell) == {"v2": 4}


@pytest.mark.parametrize(("line", "count"), [("scale carousel 5", 5), ("restart carousel", 2)])
def test_scale_and_restart_are_for_the_release_that_came_up(shell: Shell, line: str, count: int) -> None:
    shell("deploy carousel v1 --instances 2")
    doomed(shell, "bad")
    assert shell("deploy carousel bad --on-failure keep")[0] == 1
    assert shell(line)[0] == 0
    assert there(shell)["v1"] == count


def test_a_release_that_came_up_by_itself_can_be_gone_back_to(shell: Shell) -> None:
    shell("deploy carousel v1")
    doomed(shell, "late")
    assert shell("deploy carousel late --on-failure keep")[0] == 1
    shell.engine.fates.clear()
    for life in shell.engine.lives.values():
        life.fate = Fate.RUNS
    assert "carousel-late@" in shell("restart carousel --dry-run")[1]
    shell("deploy carousel v3 --destroy-previous")
    assert shell("rollback carousel")[0] == 0
    assert there(shell) == {"late": 1}


@pytest.mark.parametrize("again", ["", " --instances 3"])
def test_whatever_is_interrupted_twice_what_was_stopped_first_runs_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    shell("deploy carousel v0 --instances 2")
    line = "deploy carousel v2 --destroy-previous --order stop-first"
    interrupted_once_stopped(shell, monkeypatch, line)
    interrupted(shell, monkeypatch, f"{line}{again}")
    doomed(shell, "v3")
    assert shell("deploy carousel v3 --destroy-previous --order stop-first")[0] == 1
    assert there(shell)["v0"] == 2
