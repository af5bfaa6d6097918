"""What is asked of fleet is asked when fleet listens: a second after the change that made it deaf, and once more."""

from __future__ import annotations

import pytest
from pytest_subprocess import FakeProcess

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines import process
from deployster_cli.engines.fleet import calls, commands, throttle
from deployster_cli.engines.fleet import engine as fleetctl_engine
from deployster_cli.engines.fleet.calls import SLEEPS
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.engines.fleet.throttle import DEAF, RECENT, Rhythm, again
from deployster_cli.errors import EngineError

OPTIONS = FleetOptions()
NAME = UnitName("carousel", "9f88701", 1)
MACHINE = "7f1e9eef1c243090b388367bf9800de2/10.77.0.11"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.at += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    for module in (throttle, fleetctl_engine):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def knows(clock: Time) -> Rhythm:
    return Rhythm()


def test_where_nothing_is_known_nothing_is_waited_for(clock: Time, knows: Rhythm) -> None:
    knows.wait()
    assert clock.slept == []


def test_after_a_change_of_ours_the_rest_of_the_second_is_waited(clock: Time, knows: Rhythm) -> None:
    knows.changed()
    clock.at += 0.5
    knows.wait()
    assert clock.slept == [round(DEAF - 0.5, 3)]


def test_long_after_a_change_nothing_is_waited_for(clock: Time, knows: Rhythm) -> None:
    knows.changed()
    clock.at += 2
    knows.wait()
    assert clock.slept == []


def test_the_first_listing_tells_of_no_change(clock: Time, knows: Rhythm) -> None:
    knows.listed("a\n")
    knows.wait()
    assert clock.slept == []


@pytest.mark.parametrize(("then", "slept"), [("a\n", []), ("b\n", [DEAF])])
def test_a_listing_that_differs_from_the_last_one_tells_of_a_change(
    clock: Time, knows: Rhythm, then: str, slept: list[float]
) -> None:
    knows.listed("a\n")
    knows.listed(then)
    knows.wait()
    assert clock.slept == slept


def row(current: str) -> str:
    return f"{NAME.text}\t{'a' * 40}\tloaded\t{current}\t{MACHINE}\n"


def seen_to_change(fp: FakeProcess, then: str) -> FleetEngine:
    """An engine that saw the unit launched, and then so."""
    engine = FleetEngine(OPTIONS)
    for current in ("launched", then):
        fp.register(commands.list_units(OPTIONS))
        fp.register(commands.list_unit_files(OPTIONS), stdout=row(current))
        engine.units()
    return engine


def test_what_changes_while_fleet_is_deaf_makes_it_so_no_longer(clock: Time, knows: Rhythm) -> None:
    knows.changed()
    clock.at += 0.75
    knows.changed()
    knows.wait()
    assert clock.slept == [round(DEAF - 0.75, 3)]


def test_what_changes_when_fleet_listens_again_makes_it_deaf_anew(clock: Time, knows: Rhythm) -> None:
    knows.changed()
    clock.at += DEAF
    knows.changed()
    knows.wait()
    assert clock.slept == [DEAF]


def test_what_a_call_slept_in_the_end_is_no_time_since_its_change(clock: Time, knows: Rhythm) -> None:
    knows.changed(0.25)
    knows.wait()
    assert clock.slept == [round(DEAF - 0.25, 3)]


# Seconds after a request for one unit until a turn after its change is over.
FIRST = DEAF - 0.008


@pytest.mark.parametrize(
    ("took", "when"),
    [
        (0.0, [0, FIRST - DEAF / 2, FIRST]),
        (0.1, [0, 0.008 + FIRST - DEAF / 2, 0.008 + FIRST]),
        (0.7, [0, 0.008 + FIRST]),
        (2.0, [0]),
    ],
)
@pytest.mark.parametrize("verb", ["stop", "unload", "destroy"])
def test_a_request_is_made_at_once_and_again_within_a_second(
    clock: Time, fp: FakeProcess, verb: str, took: float, when: list[float]
) -> None:
    engine = seen_to_change(fp, "launched")
    asked: list[float] = []

    def ask(_: object) -> None:
        asked.append(clock.at - 1000)
        clock.at += took

    for request in (commands.stop, commands.unload):
        fp.register(request(OPTIONS, [NAME.text]), callback=ask, occurrences=3)
    fp.register(commands.destroy(OPTIONS, [NAME.text]))
    getattr(engine, verb)([NAME])
    assert asked == pytest.approx(when)


@pytest.mark.parametrize(("units", "slept"), [(1, [0.517, 0.525]), (66, [0.522]), (90, [0.33]), (132, []), (1000, [])])
def test_a_request_for_many_units_is_made_again_for_as_long_as_it_did_not_last_itself(
    clock: Time, units: int, slept: list[float]
) -> None:
    assert len(list(again(units, 0.0))) == len(slept)
    assert clock.slept == slept


def test_new_units_are_wanted_when_fleet_listens_and_started_a_second_later(clock: Time, fp: FakeProcess) -> None:
    engine, name = launched(fp), UnitName("carousel", "a41c9e2", 1)
    asked: list[tuple[str, float]] = []
    for verb in ("submit", "load", "start"):
        argv = ["fleetctl", verb, *["--no-block"][: verb != "submit"], fp.any()]
        told = f"Triggered unit {name.text} start\n" if verb == "start" else ""
        fp.register(argv, stdout=told, callback=lambda _, verb=verb: asked.append((verb, round(clock.at - 1000, 3))))
    engine.start([UnitFile(name, (("Service", "ExecStart", "/x"),))])
    wanted = round(DEAF - SLEEPS, 3)
    assert asked == [("submit", 0), ("load", wanted), ("start", round(wanted + DEAF, 3))]


def test_stopped_units_are_started_again_when_fleet_listens(clock: Time, fp: FakeProcess) -> None:
    engine = seen_to_change(fp, "loaded")
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    engine.resume([NAME])
    assert clock.slept == [DEAF]


def test_a_call_that_failed_may_have_changed_something(clock: Time, fp: FakeProcess) -> None:
    engine = seen_to_change(fp, "launched")
    fp.register(commands.destroy(OPTIONS, ["deployster-lock-carousel.service"]), returncode=-9)
    with pytest.raises(Exception, match="was ended by signal 9"):
        engine.locks.drop("carousel")
    fp.register(commands.list_unit_files(OPTIONS), stdout=row("loaded"))
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    engine.resume([NAME])
    assert clock.slept == [DEAF]


def launched(fp: FakeProcess) -> FleetEngine:
    """An engine that has just seen its unit running."""
    engine = FleetEngine(OPTIONS)
    fp.register(commands.list_units(OPTIONS))
    fp.register(commands.list_unit_files(OPTIONS), stdout=row("launched"), occurrences=2)
    engine.units()
    return engine


def listings(fp: FakeProcess) -> int:
    return fp.call_count(commands.list_unit_files(OPTIONS))


@pytest.mark.usefixtures("clock")
def test_a_request_right_after_a_look_does_not_list_again(fp: FakeProcess) -> None:
    engine = launched(fp)
    fp.register(commands.stop(OPTIONS, [NAME.text]), occurrences=3)
    engine.stop([NAME])
    assert listings(fp) == 1


def test_a_request_some_time_after_a_look_lists_again(clock: Time, fp: FakeProcess) -> None:
    engine = launched(fp)
    fp.register(commands.stop(OPTIONS, [NAME.text]), occurrences=3)
    clock.at += RECENT + 1
    engine.stop([NAME])
    assert listings(fp) == 2


@pytest.mark.parametrize(
    ("desired", "target", "unloads"), [("inactive", "-", 0), ("loaded", "-", 3), ("inactive", "global", 3)]
)
@pytest.mark.usefixtures("clock")
def test_what_is_off_its_machine_is_not_unloaded_once_more(
    fp: FakeProcess, desired: str, target: str, unloads: int
) -> None:
    engine = FleetEngine(OPTIONS)
    fp.register(commands.list_units(OPTIONS))
    fp.register(commands.list_unit_files(OPTIONS), stdout=f"{NAME.text}\t{'a' * 40}\t{desired}\tinactive\t{target}\n")
    fp.register(commands.unload(OPTIONS, [NAME.text]), occurrences=3)
    fp.register(commands.destroy(OPTIONS, [NAME.text]))
    engine.units()
    engine.destroy([NAME])
    assert fp.call_count(commands.unload(OPTIONS, [NAME.text])) == unloads


@pytest.mark.usefixtures("clock")
def test_a_request_after_a_note_of_ours_does_not_list_again(fp: FakeProcess) -> None:
    engine = launched(fp)
    fp.register(commands.destroy(OPTIONS, ["deployster-record-carousel.service"]))
    fp.register(commands.stop(OPTIONS, [NAME.text]), occurrences=3)
    engine.records.drop("carousel")
    engine.stop([NAME])
    assert listings(fp) == 1


@pytest.mark.usefixtures("clock")
def test_a_request_after_another_one_lists_again(fp: FakeProcess) -> None:
    engine = launched(fp)
    fp.register(commands.unload(OPTIONS, ["carousel-a41c9e2@1.service"]), occurrences=3)
    fp.register(commands.stop(OPTIONS, [NAME.text]), occurrences=3)
    engine.unload([UnitName("carousel", "a41c9e2", 1)])
    engine.stop([NAME])
    assert listings(fp) == 2


@pytest.mark.usefixtures("clock")
def test_a_unit_of_which_fleetctl_said_nothing_is_looked_at_anew(fp: FakeProcess) -> None:
    engine, file = launched(fp), UnitFile(UnitName("carousel", "a41c9e2", 1), (("Service", "ExecStart", "/x"),))
    fp.register(["fleetctl", "submit", fp.any()])
    fp.register(["fleetctl", "load", "--no-block", fp.any()])
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    with pytest.raises(EngineError, match="is not started, though fleetctl"):
        engine.start([file])
    assert listings(fp) == 2


def test_where_one_listing_takes_long_the_other_begins_later_so_that_both_are_of_its_end(
    clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = {"list-units": 0.1, "list-unit-files": 2.0}
    begun: list[tuple[str, float]] = []

    class Running:
        def __init__(self, argv: commands.Argv, **_: object) -> None:
            self.argv, self.at = argv, clock.at
            begun.append((argv[1], round(clock.at - 1000, 3)))

        def wait(self) -> process.Completed:
            seconds = took[self.argv[1]]
            clock.at = max(clock.at, self.at + seconds)
            return process.Completed(self.argv, 0, "", "", seconds)

        def kill(self) -> None:
            pass

    monkeypatch.setattr(calls, "time", clock)
    monkeypatch.setattr(process, "Running", Running)
    engine = FleetEngine(OPTIONS)
    engine.units()
    engine.units()
    assert begun == [("list-unit-files", 0), ("list-units", 0), ("list-unit-files", 2), ("list-units", 3.7)]
