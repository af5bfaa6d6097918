"""The engine and a real process that misbehaves: hangs, crashes, prints half, prints too much."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines import process
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable

pytestmark = pytest.mark.process

SHORT = 0.5
ONE = UnitName("carousel", "9f88701", 1)


def with_switch(switch: str, monkeypatch: pytest.MonkeyPatch, folder: Path, limit: float) -> FleetEngine:
    program = folder / "fleetctl"
    shutil.copy(Path(__file__).with_name("fake_fleetctl.sh"), program)
    program.chmod(0o755)
    monkeypatch.setenv("FAKE_FLEETCTL", switch)
    monkeypatch.setenv("FAKE_LOG", str(folder / "log"))
    return FleetEngine(FleetOptions(fleetctl=str(program), read_timeout=limit, write_timeout=limit))


@pytest.fixture
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FleetEngine:
    """An engine over the fake with the switch that the test names, patient."""
    return with_switch(request.param, monkeypatch, tmp_path, limit=30)


@pytest.fixture
def hasty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FleetEngine:
    """The same with a time limit of half a second."""
    return with_switch(request.param, monkeypatch, tmp_path, limit=SHORT)


@pytest.mark.parametrize("hasty", ["hang", "half", "child"], indirect=True)
def test_a_call_that_hangs_is_stopped_and_unreachable(hasty: FleetEngine) -> None:
    before = time.monotonic()
    with pytest.raises(EngineUnreachable, match="gave no answer within"):
        hasty.units()
    assert time.monotonic() - before < SHORT + 3


@pytest.mark.parametrize("hasty", ["hang"], indirect=True)
def test_check_says_that_it_hangs(hasty: FleetEngine) -> None:
    assert "--version gave no answer within" in hasty.check()


@pytest.mark.parametrize("hasty", ["hang"], indirect=True)
def test_a_destroy_that_hangs_is_unreachable_not_refused(hasty: FleetEngine) -> None:
    with pytest.raises(EngineUnreachable):
        hasty.destroy([ONE])


@pytest.mark.parametrize("fake", ["signal"], indirect=True)
def test_a_crash_is_unreachable(fake: FleetEngine) -> None:
    with pytest.raises(EngineUnreachable, match="ended by signal 11"):
        fake.units()


@pytest.mark.parametrize("fake", ["nonsense", "half-table", "missing-cell", "invalid"], indirect=True)
def test_what_is_no_listing_is_unreadable(fake: FleetEngine) -> None:
    with pytest.raises(OutputUnreadable):
        fake.units()


@pytest.mark.parametrize("fake", ["words"], indirect=True)
def test_words_that_are_no_text_are_told_in_one_printable_line(fake: FleetEngine) -> None:
    with pytest.raises(EngineError) as caught:
        fake.destroy([ONE])
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("fake", ["slow"], indirect=True)
def test_the_two_listings_are_made_side_by_side(fake: FleetEngine) -> None:
    before = time.monotonic()
    fake.units()
    assert time.monotonic() - before < 1.8


@pytest.mark.parametrize("fake", ["huge"], indirect=True)
def test_listings_of_many_pipe_fulls_are_read_whole(fake: FleetEngine) -> None:
    assert len(fake.units()) == 20_000


@pytest.mark.parametrize("fake", ["start"], indirect=True)
def test_thousands_of_long_names_start_in_a_few_calls(fake: FleetEngine, tmp_path: Path) -> None:
    version = "v" * 120
    files = [UnitFile(UnitName("carousel", version, n), (("Service", "ExecStart", "/x"),)) for n in range(1, 3001)]
    fake.start(files)
    calls = (tmp_path / "log").read_text().split()
    assert (calls.count("list-unit-files"), calls.count("start")) == (1, 6)


@pytest.mark.parametrize("hasty", ["yes"], indirect=True)
def test_endless_output_is_stopped(hasty: FleetEngine) -> None:
    before = time.monotonic()
    with pytest.raises((OutputUnreadable, EngineUnreachable), match=r"printed more than 64 MB|gave no answer"):
        hasty.units()
    assert time.monotonic() - before < SHORT + 1


@pytest.mark.parametrize("fake", ["yes"], indirect=True)
def test_endless_output_is_unreadable(fake: FleetEngine) -> None:
    with pytest.raises(OutputUnreadable, match=r"^fleetctl list-machines printed more than 64 MB and was stopped\.$"):
        fake.machines()


CALLS: dict[str, Callable[[FleetEngine], object]] = {
    "one that reads": lambda engine: engine.machines(),
    "two side by side": lambda engine: engine.units(),
    "one that writes": lambda engine: engine.destroy([ONE]),
    "one that follows": lambda engine: list(engine.journal(ONE)),
    "one on this terminal": lambda engine: engine.exec(ONE, ("true",)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("fake", ["env"], indirect=True)
def test_fleetctl_sees_no_variable_for_what_the_options_decide(
    fake: FleetEngine, call: Callable[[FleetEngine], object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = ("FLEETCTL_ENDPOINT", "FLEETCTL_SSH_TIMEOUT", "FLEETCTL_DRIVER", "FLEETCTL_REQUEST_TIMEOUT", "FLEET_X")
    for name in given:
        monkeypatch.setenv(name, "1")
    call(fake)
    seen = {line.partition("=")[0] for line in (tmp_path / "log.env").read_text().splitlines()}
    assert seen & set(given) == {"FLEETCTL_DRIVER", "FLEETCTL_REQUEST_TIMEOUT", "FLEET_X"}


@pytest.mark.parametrize("fake", ["nothing"], indirect=True)
def test_exit_0_without_a_word_is_not_started(fake: FleetEngine) -> None:
    with pytest.raises(EngineError, match="is not started, though fleetctl reported no fault"):
        fake.start([UnitFile(ONE, (("Service", "ExecStart", "/x"),))])


@pytest.mark.parametrize("fake", ["hang"], indirect=True)
def test_a_listing_that_cannot_be_started_leaves_the_other_not_running(
    fake: FleetEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    spawn = process.Running.__init__

    def second_fails(self: process.Running, *rest: object, **named: object) -> None:
        if started:
            raise process.NotStarted(("fleetctl",), "Cannot allocate memory")
        spawn(self, *rest, **named)  # type: ignore[arg-type]
        started.append(self._process.pid)

    monkeypatch.setattr(process.Running, "__init__", second_fails)
    with pytest.raises(EngineMissing, match="Cannot allocate memory"):
        fake.units()
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_fleetctl_that_is_not_executable_is_said(tmp_path: Path) -> None:
    program = tmp_path / "fleetctl"
    program.write_text("#!/bin/sh\n")
    assert FleetEngine(FleetOptions(fleetctl=str(program))).check().startswith(f"{program} can't be run: Permission")


def test_a_program_that_is_not_fleetctl_is_said() -> None:
    assert FleetEngine(FleetOptions(fleetctl="/bin/echo")).check().startswith("/bin/echo is not fleet's fleetctl")
