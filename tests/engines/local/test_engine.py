"""The engine's own rules, over a manager that only keeps what it was asked."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Condition
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.local import engine as module
from deployster_cli.engines.local import systemd
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.engine import LocalEngine
from deployster_cli.engines.local.parse import Shown
from deployster_cli.engines.local.unit_folder import UnitFolder
from deployster_cli.errors import EngineError, EngineMissing, InvalidInput
from tests.engines.local.units import unit
from tests.simulation import SimEntries

ONE = unit("9f8", "ExecStart=/bin/true", port=8001)
TWO = unit("9f8", "ExecStart=/bin/true", instance=2)


class Asked:
    """A manager that runs nothing: units are what ``shown`` says, calls are kept in ``calls``."""

    def __init__(self, folder: UnitFolder) -> None:
        self.folder = folder
        self.shown: dict[str, Shown] = {}
        self.calls: list[tuple[str, tuple[UnitName, ...]]] = []

    def is_(self, name: UnitName, active: str) -> None:
        self.shown[name.text] = Shown(name.text, "loaded", active, active)

    def missing(self) -> str:
        return ""

    def check(self) -> str:
        return "not today."

    def states(self) -> dict[str, Shown]:
        return self.shown

    def start(self, names: Sequence[UnitName]) -> None:
        self.calls.append(("start", tuple(names)))

    def stop(self, names: Sequence[UnitName]) -> None:
        self.calls.append(("stop", tuple(names)))

    def remove(self, names: Sequence[UnitName]) -> None:
        self.calls.append(("remove", tuple(names)))
        for name in names:
            self.folder.remove(name)

    def journal(self, name: UnitName, lines: int) -> Iterator[str]:
        return iter([f"{name.short} {lines}"])

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, after: str) -> SimEntries:
        return SimEntries([Entry(f"{name.short} {lines} {follow}", (1, 1))])

    def exit_code(self, name: UnitName) -> int | None:
        return name.instance


@pytest.fixture
def manager(tmp_path: Path) -> Asked:
    return Asked(UnitFolder(tmp_path / "units", "multi-user.target"))


@pytest.fixture
def local(manager: Asked) -> LocalEngine:
    local = LocalEngine(LocalOptions())
    local.__dict__["manager"] = manager
    return local


def conditions(local: LocalEngine) -> list[Condition]:
    return [found.condition for found in local.units()]


def test_two_units_are_started_in_one_call(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE, TWO])
    assert manager.calls == [("start", (ONE.name, TWO.name))]


def test_a_started_unit_is_wanted(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "active")
    assert conditions(local) == [Condition.RUNNING]


def test_a_unit_that_runs_already_is_not_started_again(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "active")
    local.start([ONE, TWO])
    assert manager.calls[1:] == [("start", (TWO.name,))]


def test_other_content_under_a_name_starts_nothing(local: LocalEngine, manager: Asked) -> None:
    local.start([TWO])
    with pytest.raises(EngineError, match="with other content"):
        local.start([ONE, unit("9f8", "ExecStart=/bin/false", instance=2)])
    assert local.cat(ONE.name) is None


def test_stopping_a_unit_keeps_its_file(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    local.stop([ONE.name])
    assert local.cat(ONE.name) == ONE


def test_a_stopped_unit_is_not_wanted(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    local.stop([ONE.name])
    assert conditions(local) == [Condition.STOPPED]


def test_stopping_what_nobody_knows_is_fine(local: LocalEngine, manager: Asked) -> None:
    local.stop([ONE.name])
    assert manager.calls == []


def test_a_unit_whose_file_was_taken_away_can_still_be_stopped(local: LocalEngine, manager: Asked) -> None:
    manager.shown[ONE.name.text] = Shown(ONE.name.text, "not-found", "active", "running")
    local.stop([ONE.name])
    assert manager.calls == [("stop", (ONE.name,))]


def test_a_stopped_unit_can_be_resumed(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    local.stop([ONE.name])
    local.resume([ONE.name])
    assert manager.calls[-1] == ("start", (ONE.name,))


def test_what_is_not_there_can_not_be_resumed(local: LocalEngine) -> None:
    with pytest.raises(EngineError, match=r"No unit carousel-9f8@1\.service"):
        local.resume([ONE.name])


def test_unloading_changes_nothing(local: LocalEngine, manager: Asked) -> None:
    local.unload([ONE.name])
    assert manager.calls == []


def test_a_dead_unit_is_destroyed_at_once(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    local.destroy([ONE.name])
    assert local.cat(ONE.name) is None


def test_a_unit_that_stops_keeps_its_file_until_it_has_stopped(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "deactivating")
    local.destroy([ONE.name])
    assert conditions(local) == [Condition.REMOVING]


def test_a_destroyed_unit_that_has_stopped_is_removed_by_the_next_look(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "deactivating")
    local.destroy([ONE.name])
    manager.is_(ONE.name, "inactive")
    local.units()
    assert local.cat(ONE.name) is None


def test_destroying_what_still_runs_stops_it(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "active")
    local.destroy([ONE.name])
    assert ("stop", (ONE.name,)) in manager.calls


def test_a_name_that_is_still_leaving_is_not_started(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "deactivating")
    local.destroy([ONE.name])
    with pytest.raises(EngineError, match="still stopping"):
        local.start([ONE])


def test_a_name_that_has_left_can_be_started_with_other_content(local: LocalEngine, manager: Asked) -> None:
    local.start([ONE])
    manager.is_(ONE.name, "deactivating")
    local.destroy([ONE.name])
    manager.is_(ONE.name, "inactive")
    other = unit("9f8", "ExecStart=/bin/false")
    local.start([other])
    assert local.cat(ONE.name) == other


def test_destroying_what_nobody_knows_is_fine(local: LocalEngine, manager: Asked) -> None:
    local.destroy([ONE.name])
    assert manager.calls == []


def test_a_journal_is_the_managers(local: LocalEngine) -> None:
    assert list(local.journal(ONE.name, 3)) == ["carousel 9f8 @1 3"]


def test_entries_are_the_managers(local: LocalEngine) -> None:
    assert [entry.text for entry in local.entries(ONE.name, 3, follow=True)] == ["carousel 9f8 @1 3 True"]


def test_an_exit_code_is_the_managers(local: LocalEngine) -> None:
    assert local.exit_code(TWO.name) == 2


def test_the_managers_word_is_the_engines(local: LocalEngine) -> None:
    assert local.check() == "not today."


def test_a_unit_tells_the_port_that_it_was_given(local: LocalEngine) -> None:
    local.start([ONE, TWO])
    assert [found.port for found in local.units()] == [8001, None]


def test_a_port_that_anything_listens_on_is_taken(local: LocalEngine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] in local.ports()


def test_a_port_listened_on_by_ipv6_is_taken(local: LocalEngine) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert server.getsockname()[1] in local.ports()


def test_this_machine_is_the_only_one(local: LocalEngine) -> None:
    [machine] = local.machines()
    assert machine.label == socket.gethostname()


def test_a_machine_without_an_id_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MACHINE_ID", tmp_path / "none")
    assert module.this_machine().id == socket.gethostname()


@pytest.mark.parametrize(
    "ask",
    [
        lambda local: local.units(),
        lambda local: local.start([ONE]),
        lambda local: local.resume([ONE.name]),
        lambda local: local.stop([ONE.name]),
        lambda local: local.destroy([ONE.name]),
        lambda local: local.cat(ONE.name),
        lambda local: list(local.journal(ONE.name)),
        lambda local: local.locks,
    ],
    ids=["units", "start", "resume", "stop", "destroy", "cat", "journal", "locks"],
)
def test_without_a_manager_every_call_says_so_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[LocalEngine], object]
) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path / "none")
    with pytest.raises(EngineMissing, match="systemd does not run this machine"):
        ask(LocalEngine(LocalOptions(manager="system")))
    assert list(tmp_path.iterdir()) == []


def test_a_named_systemd_that_does_not_run_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path / "none")
    with pytest.raises(EngineMissing, match="systemd does not run this machine"):
        LocalEngine(LocalOptions(manager="system")).units()


def test_a_user_without_a_home_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert "has no home" in LocalEngine(LocalOptions(manager="supervisor")).check()


def test_a_manager_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'upstart' is not a manager"):
        LocalEngine(LocalOptions(manager="upstart")).check()


@pytest.mark.parametrize(
    ("user", "systemd_runs", "users_runs", "chosen"),
    [
        (0, True, False, "/etc/systemd/system"),
        (0, False, False, "/state/deployster/local/supervisor/units"),
        (0, False, True, "/state/deployster/local/supervisor/units"),
        (1000, True, True, "/config/systemd/user"),
        (1000, True, False, "/state/deployster/local/supervisor/units"),
    ],
)
def test_the_manager_is_the_first_that_this_user_can_use(
    monkeypatch: pytest.MonkeyPatch, user: int, systemd_runs: bool, users_runs: bool, chosen: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(systemd, "system_runs", lambda: systemd_runs)
    monkeypatch.setattr(systemd, "user_runs", lambda: users_runs)
    assert str(module.chosen(LocalOptions()).folder.path) == chosen


@pytest.mark.process
def test_a_command_beside_a_unit_runs_here(local: LocalEngine) -> None:
    assert local.exec(ONE.name, ("sh", "-c", "exit 7")) == 7


@pytest.mark.process
def test_a_command_that_there_is_not_is_one_sentence(local: LocalEngine) -> None:
    with pytest.raises(EngineError, match="nonesuch can't be run beside carousel-9f8@1"):
        local.exec(ONE.name, ("nonesuch",))


@pytest.mark.process
def test_this_machine_is_asked_by_a_shell() -> None:
    engine = LocalEngine(LocalOptions())
    assert engine.run_shell(module.this_machine(), "echo a; echo b >&2") == "a\n"
