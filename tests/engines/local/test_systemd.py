"""Which calls of systemctl the systemd manager makes and what it makes of their ends; test_machine.py has real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_subprocess import FakeProcess

from deployster_cli.engines.local import commands, systemd
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.systemd import Systemd
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable
from tests.engines.local.units import unit

NAME = unit("9f8").name
BASE = commands.systemd(user=False)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    monkeypatch.setattr(systemd, "SYSTEM_UNITS", tmp_path / "system")
    return Systemd(LocalOptions(read_timeout=0.2), user=False)


def test_starting_reloads_once_and_starts_all_in_one_call(system: Systemd, fp: FakeProcess) -> None:
    fp.register(commands.reload(BASE))
    fp.register(commands.start(BASE, [NAME]))
    system.start([NAME])
    assert list(fp.calls) == [commands.reload(BASE), commands.start(BASE, [NAME])]


def test_a_refused_start_says_systemds_words_and_our_argv(system: Systemd, fp: FakeProcess) -> None:
    fp.register(commands.reload(BASE))
    fp.register(
        commands.start(BASE, [NAME]), returncode=1, stderr="Failed to start x: Unit x has a bad unit file setting."
    )
    with pytest.raises(EngineError, match=r"start --no-block .* exit code 1: Failed to start x"):
        system.start([NAME])


def test_stopping_a_unit_that_is_not_loaded_is_fine(system: Systemd, fp: FakeProcess) -> None:
    fp.register(commands.stop(BASE, [NAME]), returncode=5, stderr="Failed to stop x: Unit x not loaded.")
    system.stop([NAME])
    assert fp.call_count(commands.stop(BASE, [NAME])) == 1


def test_removing_takes_the_file_away_before_systemd_reads_again(system: Systemd, fp: FakeProcess) -> None:
    file = unit("9f8")
    system.folder.put(file)
    there = []
    fp.register(commands.reload(BASE), callback=lambda _: there.append(system.folder.has(file)))
    fp.register(commands.reset_failed(BASE, [NAME]), returncode=1)
    system.remove([NAME])
    assert there == [False]


@pytest.mark.process
def test_a_systemctl_that_hangs_is_given_up(system: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "systemctl").write_text("#!/bin/sh\n/bin/sleep 30\n")
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnreachable, match=r"did not answer within 0.2 s"):
        system.states()


@pytest.mark.process
def test_a_systemctl_that_is_missing_is_said_to_be(system: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineMissing, match="systemctl can't be run: No such file"):
        system.states()


def test_a_silent_failure_says_that_it_was_silent(system: Systemd, fp: FakeProcess) -> None:
    fp.register(commands.show(BASE), returncode=3)
    with pytest.raises(EngineError, match="exit code 3: it printed nothing"):
        system.states()


def test_the_journal_comes_line_by_line(system: Systemd, fp: FakeProcess) -> None:
    fp.register(commands.journal(NAME, 2, user=False), stdout="one\ntwo\n")
    assert list(system.journal(NAME, 2)) == ["one", "two"]


def test_a_machine_without_systemd_is_told_apart(
    system: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path / "none")
    assert "systemd does not run this machine" in system.check()


def test_a_machine_with_systemd_can_be_used(system: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    assert system.check() == ""


def test_a_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    monkeypatch.setattr(systemd, "SYSTEM_UNITS", tmp_path / "taken" / "system")
    assert "can't be written to" in Systemd(LocalOptions(), user=False).check()


def test_a_user_without_a_manager_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "No systemd user manager" in Systemd(LocalOptions(), user=True).check()


def test_another_users_manager_is_none_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 300)))
    assert not systemd.user_runs()


def test_a_users_units_lie_in_their_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Systemd(LocalOptions(), user=True).folder.path == tmp_path / "systemd" / "user"
