"""The engine's methods: which calls each makes, how many, and what it says of their answers."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_subprocess import FakeProcess
from pytest_subprocess.fake_popen import FakePopen

from deployster_cli.domain.units.model import Condition, Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.engines.fleet import commands, parse, throttle
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable, OutputUnreadable
from tests.simulation import stamped

OPTIONS = FleetOptions()
ENGINE: Engine = FleetEngine(OPTIONS)
UNITS = commands.list_units(OPTIONS)
FILES = commands.list_unit_files(OPTIONS)
MACHINE = "7f1e9eef1c243090b388367bf9800de2/10.77.0.11"
REFUSED = 'Error retrieving list of units from repository: Get "http://10.77.0.11:9/": dial tcp: connection refused\n'


@pytest.fixture(autouse=True)
def no_rhythm(monkeypatch: pytest.MonkeyPatch) -> None:
    """fleet always listens here, all is asked twice, and no test's listing is good for the next one."""
    monkeypatch.setattr(throttle, "DEAF", 0)
    monkeypatch.setattr("deployster_cli.engines.fleet.engine.again", lambda *_: iter((None,)))
    monkeypatch.setattr(throttle, "RECENT", -1)


def named(instance: int) -> UnitName:
    return UnitName("carousel", "9f88701", instance)


def unit_file(instance: int, command: str = "/bin/sleep 9") -> UnitFile:
    return UnitFile(named(instance), (("Service", "ExecStart", command),))


def row(file: UnitFile, desired: str = "launched", current: str = "launched", target: str = MACHINE) -> str:
    return f"{file.name.text}\t{file.hash}\t{desired}\t{current}\t{target}\n"


def triggered(*files: UnitFile) -> str:
    return "".join(f"Triggered unit {file.name.text} start\n" * 2 for file in files)


@pytest.fixture
def put_in(fp: FakeProcess) -> None:
    """fleetctl puts in and loads whatever it is given."""
    fp.register(["fleetctl", "submit", fp.any()])
    fp.register(["fleetctl", "load", "--no-block", fp.any()])


def calls(fp: FakeProcess) -> list[list[str]]:
    """Every call's argv after the program's name."""
    return [[str(word) for word in call][1:] for call in fp.calls]


def said(fp: FakeProcess, command: str) -> list[list[str]]:
    """The operands of every call of this command."""
    return [[word for word in words if not word.startswith("-")] for at, *words in calls(fp) if at == command]


def basenames(words: list[str]) -> list[str]:
    return [Path(word).name for word in words]


# --- global units


@pytest.mark.parametrize(("desired", "stopped"), [("launched", True), ("loaded", False), ("inactive", False)])
def test_a_global_unit_is_stopped_where_it_is_wanted_to_run(fp: FakeProcess, desired: str, stopped: bool) -> None:
    file = unit_file(1)
    fp.register(FILES, stdout=row(file, desired=desired, current="-", target=parse.GLOBAL))
    fp.register(commands.stop(OPTIONS, [file.name.text]), occurrences=2)
    ENGINE.stop([file.name])
    assert said(fp, "stop") == ([[file.name.text]] * 2 if stopped else [])


# --- whose units are whose


def listed(fp: FakeProcess, *files: UnitFile) -> None:
    """Both listings, of files whose Descriptions tell nothing."""
    fp.register(UNITS)
    fp.register(FILES, stdout="".join(row(file) for file in files))


def ours(instance: int, command: str = "/bin/sleep 9") -> UnitFile:
    return stamped(named(instance), ("Service", "ExecStart", command))


def cat(fp: FakeProcess, file: UnitFile, **told: Any) -> None:
    fp.register(commands.cat(OPTIONS, file.name.text), **{"stdout": file.text, **told})


def settled(fp: FakeProcess, engine: Engine) -> list[bool]:
    return [unit.foreign for unit in engine.settled(engine.units())]


def test_a_unit_that_the_listing_does_not_tell_of_is_judged_by_its_stamp(fp: FakeProcess) -> None:
    files = ours(1), unit_file(2), replace(ours(4), name=named(3))
    listed(fp, *files)
    for file in files:
        cat(fp, file)
    assert settled(fp, FleetEngine(OPTIONS)) == [False, True, True]


def test_what_a_content_says_is_asked_once_and_remembered(fp: FakeProcess) -> None:
    engine, file = FleetEngine(OPTIONS), ours(1)
    listed(fp, file)
    listed(fp, file)
    cat(fp, file)
    assert settled(fp, engine) == [False]
    assert ([unit.foreign for unit in engine.units()], len(said(fp, "cat"))) == ([False], 1)


def test_instances_of_one_content_cost_one_call(fp: FakeProcess) -> None:
    files = [unit_file(n) for n in range(1, 101)]
    listed(fp, *files)
    cat(fp, files[0])
    assert settled(fp, FleetEngine(OPTIONS)) == [True] * 100


def test_many_contents_are_all_read(fp: FakeProcess) -> None:
    files = [ours(n, f"/bin/sleep {n}") for n in range(1, 21)]
    listed(fp, *files)
    for file in files:
        cat(fp, file)
    assert settled(fp, FleetEngine(OPTIONS)) == [False] * 20


def test_the_instances_of_one_deploy_are_read_no_more_often_than_side_by_side(fp: FakeProcess) -> None:
    files = [ours(n) for n in range(1, 101)]
    listed(fp, *files)
    for file in files:
        cat(fp, file)
    assert settled(fp, FleetEngine(OPTIONS)) == [False] * 100
    assert len(said(fp, "cat")) == 16


def test_one_file_tells_the_others_of_its_deploy(fp: FakeProcess) -> None:
    engine, files = FleetEngine(OPTIONS), [ours(n) for n in range(1, 101)]
    cat(fp, files[0])
    engine.cat(files[0].name)
    listed(fp, *files)
    assert settled(fp, engine) == [False] * 100
    assert len(said(fp, "cat")) == 1


def test_the_files_of_one_deploy_are_those_of_the_registry_for_one_call(fp: FakeProcess) -> None:
    engine, files = FleetEngine(OPTIONS), [ours(n) for n in range(1, 21)]
    cat(fp, files[0])
    engine.cat(files[0].name)
    listed(fp, *files)
    assert engine.files(engine.units()) == {file.name: file for file in files}
    assert len(said(fp, "cat")) == 1


def test_a_file_that_was_guessed_is_known_whatever_is_read_of_its_release_after(fp: FakeProcess) -> None:
    engine, first, second, later = FleetEngine(OPTIONS), ours(1), ours(2), ours(3, "/bin/sleep 7")
    cat(fp, first)
    engine.cat(first.name)
    listed(fp, first, second)
    units = engine.settled(engine.units())
    cat(fp, later)
    engine.cat(later.name)
    assert engine.files(units) == {file.name: file for file in (first, second)}


def test_files_that_are_not_known_are_read_and_what_cant_be_is_left_out(fp: FakeProcess) -> None:
    engine, mine, theirs, broken = FleetEngine(OPTIONS), ours(1), unit_file(2), unit_file(3, "/bin/sleep 8")
    listed(fp, mine, theirs, broken)
    cat(fp, mine)
    cat(fp, theirs)
    cat(fp, broken, stdout="no unit file\n")
    assert engine.files(engine.units()) == {mine.name: mine, theirs.name: theirs}


def test_two_units_of_one_content_have_a_file_each(fp: FakeProcess) -> None:
    engine, files = FleetEngine(OPTIONS), [unit_file(n) for n in (1, 2)]
    listed(fp, *files)
    cat(fp, files[0])
    assert engine.files(engine.units()) == {file.name: file for file in files}


def test_files_of_an_engine_that_is_away_are_not_none(fp: FakeProcess) -> None:
    engine = FleetEngine(OPTIONS)
    listed(fp, ours(1))
    cat(fp, ours(1), stdout="", stderr=REFUSED, returncode=1)
    units = engine.units()
    with pytest.raises(EngineUnreachable):
        engine.files(units)


@pytest.mark.usefixtures("put_in")
def test_what_was_put_in_by_us_is_not_read(fp: FakeProcess) -> None:
    engine, file = FleetEngine(OPTIONS), ours(1)
    fp.register(FILES)
    fp.register(["fleetctl", "start", fp.any()], stdout=triggered(file))
    engine.start([file])
    listed(fp, file)
    assert (settled(fp, engine), said(fp, "cat")) == ([False], [])


@pytest.mark.parametrize(
    "told",
    [
        {"stdout": "no unit file\n"},
        {"stdout": "", "stderr": f"Unit {named(1).text} not found\n", "returncode": 1},
    ],
)
def test_what_cant_be_read_is_foreign_and_asked_for_again(fp: FakeProcess, told: dict[str, Any]) -> None:
    engine, file = FleetEngine(OPTIONS), ours(1)
    listed(fp, file)
    listed(fp, file)
    cat(fp, file, **told)
    cat(fp, file)
    assert (settled(fp, engine), settled(fp, engine)) == ([True], [False])


def test_an_engine_that_is_away_decides_nothing(fp: FakeProcess) -> None:
    listed(fp, ours(1))
    cat(fp, ours(1), stdout="", stderr=REFUSED, returncode=1)
    with pytest.raises(EngineUnreachable):
        settled(fp, FleetEngine(OPTIONS))


def described(fp: FakeProcess, *files: UnitFile) -> None:
    """Both listings, where each Description says that it is ours."""
    fp.register(UNITS)
    fp.register(FILES, stdout="".join(row(file).rstrip("\n") + f"\t{file.name.title}\n" for file in files))


def copy(of: int, instance: int) -> UnitFile:
    """A file of ours under another name, its Description edited."""
    options = (("Unit", "Description", named(instance).title), ("Service", "ExecStart", "/bin/sleep 9"))
    stamp = ours(of).stamp
    assert stamp
    return UnitFile(named(instance), options).stamped(stamp)


@pytest.mark.parametrize("file", [unit_file(1), copy(7, 1)])
def test_a_unit_that_is_described_as_ours_is_judged_by_its_stamp(fp: FakeProcess, file: UnitFile) -> None:
    engine = FleetEngine(OPTIONS)
    for _ in range(2):
        described(fp, ours(3), file)
    for one in (ours(3), file):
        cat(fp, one)
    assert [unit.foreign for unit in engine.units()] == [False, False]
    assert settled(fp, engine) == [True, False]
    assert said(fp, "cat") == [[file.name.text], [named(3).text]]


def test_what_a_file_was_found_to_be_holds_for_later_listings(fp: FakeProcess) -> None:
    engine = FleetEngine(OPTIONS)
    for _ in range(2):
        described(fp, unit_file(1))
    cat(fp, unit_file(1))
    settled(fp, engine)
    assert [unit.foreign for unit in engine.units()] == [True]


def test_what_vanished_before_it_was_read_is_not_taken_for_ours(fp: FakeProcess) -> None:
    described(fp, ours(1), ours(2, "/bin/true"))
    cat(fp, ours(1), stdout="", stderr=f"Unit {named(1).text} not found\n", returncode=1)
    cat(fp, ours(2, "/bin/true"))
    assert settled(fp, FleetEngine(OPTIONS)) == [True, False]


def test_what_was_replaced_while_it_was_read_is_not_taken_for_what_was_listed(fp: FakeProcess) -> None:
    described(fp, unit_file(1))
    cat(fp, ours(1))
    assert settled(fp, FleetEngine(OPTIONS)) == [True]


def test_what_fails_to_be_read_is_not_taken_for_ours(fp: FakeProcess) -> None:
    described(fp, ours(1), ours(2, "/bin/true"))
    cat(fp, ours(1), stdout="no unit file\n")
    cat(fp, ours(2, "/bin/true"))
    assert settled(fp, FleetEngine(OPTIONS)) == [True, False]


def test_a_unit_that_is_only_leaving_is_not_read(fp: FakeProcess) -> None:
    fp.register(UNITS, stdout=f"{named(1).text}\t{MACHINE}\tloaded\tactive\trunning\t{ours(1).hash}\n")
    fp.register(FILES)
    assert (settled(fp, FleetEngine(OPTIONS)), said(fp, "cat")) == ([False], [])


def test_units_that_are_described_as_ours_are_not_read_for_a_listing(fp: FakeProcess) -> None:
    described(fp, unit_file(1))
    assert ([unit.foreign for unit in FleetEngine(OPTIONS).units()], len(fp.calls)) == ([False], 2)


# --- units, machines, ports


def test_units_are_both_listings_joined(fp: FakeProcess) -> None:
    file = unit_file(1)
    fp.register(UNITS, stdout=f"{file.name.text}\t{MACHINE}\tloaded\tactive\trunning\t{file.hash}\n")
    fp.register(FILES, stdout=row(file))
    assert [(unit.name, unit.condition) for unit in ENGINE.units()] == [(named(1), Condition.RUNNING)]


def test_units_cost_one_pair_of_calls(fp: FakeProcess) -> None:
    fp.register(UNITS)
    fp.register(FILES, stdout="".join(row(unit_file(n), current="inactive", target="-") for n in range(1, 301)))
    ENGINE.units()
    assert len(fp.calls) == 2


@pytest.mark.parametrize("bad", [UNITS, FILES])
def test_units_are_unknown_where_either_listing_fails(fp: FakeProcess, bad: tuple[str, ...]) -> None:
    for argv in (UNITS, FILES):
        fp.register(argv, stderr=REFUSED if argv == bad else "", returncode=1 if argv == bad else 0)
    with pytest.raises(EngineUnreachable, match="connection refused"):
        ENGINE.units()


def test_an_unreadable_listing_keeps_the_facts_of_the_call(fp: FakeProcess) -> None:
    fp.register(UNITS, stdout="oh no\n")
    fp.register(FILES)
    with pytest.raises(OutputUnreadable) as caught:
        ENGINE.units()
    assert (caught.value.argv, caught.value.code, caught.value.out) == (UNITS, 0, "oh no\n")


def test_machines_have_their_metadata(fp: FakeProcess) -> None:
    fp.register(commands.list_machines(OPTIONS), stdout="ab12\t10.77.0.11\tname=m1,zone=z1\n")
    assert ENGINE.machines() == (Machine("ab12", "10.77.0.11", {"name": "m1", "zone": "z1"}),)


# --- start


@pytest.mark.usefixtures("put_in")
def test_start_is_one_listing_and_three_calls_for_all(fp: FakeProcess) -> None:
    files = [unit_file(n) for n in (1, 2, 3)]
    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stdout=triggered(*files))
    ENGINE.start(files)
    assert [call[0] for call in calls(fp)] == ["list-unit-files", "submit", "load", "start"]
    assert said(fp, "submit") == said(fp, "load") == said(fp, "start")


def test_what_the_registry_has_already_is_only_started(fp: FakeProcess) -> None:
    files = [unit_file(1), unit_file(2)]
    fp.register(FILES, stdout="".join(row(file, "inactive", "inactive", "-") for file in files))
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stdout=triggered(*files))
    ENGINE.start(files)
    assert [call[0] for call in calls(fp)] == ["list-unit-files", "start"]


def test_only_what_the_registry_lacks_is_put_in(fp: FakeProcess) -> None:
    files = [unit_file(1), unit_file(2)]
    fp.register(FILES, stdout=row(files[0], "inactive", "inactive", "-"))
    fp.register(["fleetctl", "submit", fp.any()])
    fp.register(["fleetctl", "load", "--no-block", fp.any()], stderr="Error loading units: oh no\n", returncode=1)
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stdout=triggered(*files))
    ENGINE.start(files)
    assert [basenames(call) for call in said(fp, "submit") + said(fp, "load")] == [[named(2).text], [named(2).text]]


def test_nothing_is_started_where_putting_in_was_refused(fp: FakeProcess) -> None:
    fp.register(FILES)
    fp.register(["fleetctl", "submit", fp.any()], stderr="Error creating units: oh no\n", returncode=1)
    with pytest.raises(EngineError, match="oh no"):
        ENGINE.start([unit_file(1)])
    assert said(fp, "start") == []


def test_nothing_is_started_where_somebody_else_put_it_in_meanwhile(fp: FakeProcess) -> None:
    warning = f"WARNING: Unit {named(1).text} in registry differs from local unit file /t/{named(1).text}. Add\n"
    fp.register(FILES)
    fp.register(["fleetctl", "submit", fp.any()], stderr=warning)
    with pytest.raises(EngineError, match="with other content: nothing was started"):
        ENGINE.start([unit_file(1)])
    assert said(fp, "start") == []


@pytest.mark.usefixtures("put_in")
def test_start_hands_in_one_private_file_an_instance(fp: FakeProcess) -> None:
    seen: dict[str, str] = {}

    def look(_: FakePopen) -> None:
        path = Path(said(fp, "start")[0][0])
        seen[path.name] = path.read_text()
        seen["mode"] = oct(stat.S_IMODE(path.parent.stat().st_mode))

    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stdout=triggered(unit_file(1)), callback=look)
    ENGINE.start([unit_file(1)])
    assert seen == {"carousel-9f88701@1.service": "[Service]\nExecStart=/bin/sleep 9\n", "mode": "0o700"}


@pytest.mark.usefixtures("put_in")
def test_nothing_is_left_of_the_files_after_a_failed_start(fp: FakeProcess) -> None:
    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stderr="Error starting units: oh no\n", returncode=1)
    with pytest.raises(EngineError, match="oh no"):
        ENGINE.start([unit_file(1)])
    (operands,) = said(fp, "start")
    assert not Path(operands[0]).parent.exists()


def test_start_of_a_name_that_has_other_content_starts_nothing(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(2, "/bin/sleep 8"), "inactive", "inactive", "-"))
    with pytest.raises(EngineError, match=r"@2\.service is in the cluster already, with other content"):
        ENGINE.start([unit_file(1), unit_file(2)])
    assert said(fp, "start") == []


@pytest.mark.usefixtures("put_in")
def test_other_content_that_came_in_between_is_an_error(fp: FakeProcess) -> None:
    warning = f"WARNING: Unit {named(1).text} in registry differs from local unit file /t/{named(1).text}. Add\n"
    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stderr=warning)
    with pytest.raises(EngineError, match="fleetctl keeps and runs what was there before"):
        ENGINE.start([unit_file(1)])


def test_a_unit_that_is_launched_already_needs_no_word_of_fleetctl(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1)))
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    ENGINE.start([unit_file(1)])
    assert len(fp.calls) == 2


@pytest.mark.usefixtures("put_in")
def test_a_unit_of_which_fleetctl_said_nothing_is_looked_at_again(fp: FakeProcess) -> None:
    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    fp.register(FILES, stdout=row(unit_file(1), "launched", "inactive", "-"))
    ENGINE.start([unit_file(1)])
    assert [call[0] for call in calls(fp)][-1] == "list-unit-files"


@pytest.mark.usefixtures("put_in")
@pytest.mark.parametrize("after", ["", row(unit_file(1), "inactive", "inactive", "-")])
def test_exit_0_and_not_started_is_an_error(fp: FakeProcess, after: str) -> None:
    fp.register(FILES)
    fp.register(["fleetctl", "start", "--no-block", fp.any()])
    fp.register(FILES, stdout=after)
    with pytest.raises(EngineError, match=r"carousel-9f88701@1\.service is not started, though fleetctl"):
        ENGINE.start([unit_file(1)])


def test_start_of_nothing_calls_nothing(fp: FakeProcess) -> None:
    ENGINE.start([])
    assert list(fp.calls) == []


def test_a_folder_that_cannot_be_written_is_an_error_and_nothing_is_started(
    fp: FakeProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fp.register(FILES)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(EngineError, match="No temporary folder can be made: No such file or directory"):
        ENGINE.start([unit_file(1)])


def test_files_that_cannot_be_written_are_an_error_and_nothing_is_started(
    fp: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    fp.register(FILES)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(EngineError, match=r"can't be written to .*: No space left on device\. Nothing"):
        ENGINE.start([unit_file(1)])


# --- resume, stop, unload, destroy


def test_resume_is_one_listing_and_one_call_without_files(fp: FakeProcess) -> None:
    def look(_: FakePopen) -> None:
        beside.extend(Path(said(fp, "start")[0][0]).parent.iterdir())

    beside: list[Path] = []

    files = [unit_file(1), unit_file(2)]
    fp.register(FILES, stdout="".join(row(file, "loaded", "loaded") for file in files))
    fp.register(["fleetctl", "start", "--no-block", fp.any()], stdout=triggered(*files), callback=look)
    ENGINE.resume([file.name for file in files])
    assert [basenames(call) for call in said(fp, "start")] == [[named(1).text, named(2).text]]
    assert beside == []


def test_resume_of_an_unknown_unit_starts_none(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1), "loaded", "loaded"))
    with pytest.raises(EngineError, match=r"carousel-9f88701@2\.service is not in the cluster: nothing was started"):
        ENGINE.resume([named(1), named(2)])
    assert said(fp, "start") == []


def test_stop_leaves_out_what_would_make_fleetctl_give_up(fp: FakeProcess) -> None:
    states = {1: ("launched", "launched"), 2: ("inactive", "inactive"), 3: ("loaded", "loaded")}
    fp.register(FILES, stdout="".join(row(unit_file(n), *state) for n, state in states.items()))
    fp.register(["fleetctl", "stop", "--no-block", fp.any()], stderr="Successfully stopped units [].\n", occurrences=2)
    ENGINE.stop([named(n) for n in (1, 2, 3, 4)])
    assert said(fp, "stop") == [[named(1).text]] * 2


def test_a_unit_that_waits_for_a_machine_is_told_not_to_run(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1), "launched", "inactive", "-"))
    fp.register(["fleetctl", "load", "--no-block", fp.any()], stdout=f"Triggered unit {named(1).text} load\n")
    ENGINE.stop([named(1)])
    assert [basenames(call) for call in said(fp, "load")] == [[named(1).text]]


def test_stop_of_stopped_units_only_lists(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1), "loaded", "loaded"))
    ENGINE.stop([named(1)])
    assert len(fp.calls) == 1


def test_a_name_given_twice_is_named_once_in_a_request(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1)))
    fp.register(["fleetctl", "stop", "--no-block", fp.any()], occurrences=2)
    ENGINE.stop([named(1), named(1)])
    assert said(fp, "stop") == [[named(1).text]] * 2


def test_what_was_asked_for_may_fail_when_it_is_asked_for_again(fp: FakeProcess) -> None:
    fp.register(FILES, stdout=row(unit_file(1)))
    fp.register(["fleetctl", "stop", "--no-block", fp.any()])
    gone = f"Unable to stop unit {named(1).text} in state inactive\n"
    fp.register(["fleetctl", "stop", "--no-block", fp.any()], stderr=gone, returncode=1)
    ENGINE.stop([named(1)])
    assert len(said(fp, "stop")) == 2


@pytest.mark.parametrize("count", [1, 2, 90])
def test_unload_is_the_same_call_twice(fp: FakeProcess, count: int) -> None:
    names = [named(number) for number in range(1, count + 1)]
    argv = commands.unload(OPTIONS, [name.text for name in names])
    fp.register(argv, stderr="Successfully unloaded units [].\n", occurrences=2)
    ENGINE.unload(names)
    assert len(fp.calls) == 2


@pytest.mark.parametrize("count", [1, 2, 90])
def test_destroy_unloads_twice_and_destroys_and_unknown_names_are_fine(fp: FakeProcess, count: int) -> None:
    names = [named(number) for number in range(1, count + 1)]
    unknown = "Units not found in registry\n"
    fp.register(commands.unload(OPTIONS, [name.text for name in names]), stderr=unknown, occurrences=2)
    fp.register(commands.destroy(OPTIONS, [name.text for name in names]), stderr=unknown)
    ENGINE.destroy(names)
    assert [call[0] for call in calls(fp)] == ["unload", "unload", "destroy"]


def test_nothing_to_destroy_is_no_call(fp: FakeProcess) -> None:
    ENGINE.destroy([])
    assert not fp.calls


def test_nothing_is_destroyed_where_unloading_was_refused(fp: FakeProcess) -> None:
    fp.register(FILES)
    fp.register(commands.unload(OPTIONS, [named(1).text]), stderr=REFUSED, returncode=1)
    with pytest.raises(EngineUnreachable):
        ENGINE.destroy([named(1)])
    assert said(fp, "destroy") == []


@pytest.mark.parametrize("verb", ["resume", "stop", "unload", "destroy"])
def test_no_names_are_no_call(fp: FakeProcess, verb: str) -> None:
    getattr(ENGINE, verb)([])
    assert list(fp.calls) == []


# --- cat, journal, exec


def test_cat(fp: FakeProcess) -> None:
    fp.register(commands.cat(OPTIONS, named(1).text), stdout=unit_file(1).text)
    assert ENGINE.cat(named(1)) == unit_file(1)


def test_cat_of_an_unknown_unit_is_none(fp: FakeProcess) -> None:
    fp.register(commands.cat(OPTIONS, named(1).text), stderr=f"Unit {named(1).text} not found\n", returncode=1)
    assert ENGINE.cat(named(1)) is None


def test_a_journal(fp: FakeProcess) -> None:
    fp.register(commands.journal(OPTIONS, named(1), 2), stdout="one\ntwo\n")
    assert list(ENGINE.journal(named(1), lines=2)) == ["one", "two"]


def test_how_a_unit_ended_comes_from_its_machine(fp: FakeProcess) -> None:
    fp.register(commands.ended(OPTIONS, named(1)), stdout="ExecMainCode=1\nExecMainStatus=7\n")
    assert ENGINE.exit_code(named(1)) == 7


@pytest.mark.parametrize(("code", "ours"), [(0, 0), (7, 7), (-2, 130)])
def test_the_exit_code_of_a_command_over_there_is_ours(fp: FakeProcess, code: int, ours: int) -> None:
    fp.register(commands.ssh(OPTIONS, named(1), ("true",)))
    fp.register(commands.ssh(OPTIONS, named(1), ("rake", "-T")), returncode=code)
    assert ENGINE.exec(named(1), ("rake", "-T")) == ours


def test_a_command_beside_a_global_unit_goes_to_the_machine_that_is_named(fp: FakeProcess) -> None:
    fp.register(commands.ssh(OPTIONS, named(1), ("true",), "ab12"))
    fp.register(commands.ssh(OPTIONS, named(1), ("rake",), "ab12"), returncode=3)
    assert ENGINE.exec(named(1), ("rake",), Machine("ab12")) == 3


# --- check


def test_a_cluster_that_answers_can_be_used(fp: FakeProcess) -> None:
    fp.register(commands.version(OPTIONS), stdout="fleetctl version 1.0.0\n")
    fp.register(commands.list_machines(OPTIONS), stdout="ab12\t10.77.0.11\t-\n")
    assert ENGINE.check() == ""


def test_another_program_is_named_before_anything_is_asked_of_it(fp: FakeProcess) -> None:
    fp.register(commands.version(OPTIONS), stdout="fleetctl - version 4.30.1\n")
    assert ENGINE.check().startswith("fleetctl is another program of that name, the one that manages devices. Install")


def test_an_endpoint_that_refuses_is_named(fp: FakeProcess) -> None:
    fp.register(commands.version(OPTIONS), stdout="fleetctl version 1.0.0\n")
    fp.register(commands.list_machines(OPTIONS), stderr=REFUSED, returncode=1)
    assert ENGINE.check().startswith("The cluster could not be reached: Error retrieving list of units")


def test_a_crash_and_what_to_do_about_it_are_two_sentences(fp: FakeProcess) -> None:
    fp.register(commands.version(OPTIONS), returncode=-11)
    assert ENGINE.check().startswith("fleetctl --version was ended by signal 11. Try again.")


def test_a_listing_of_machines_that_is_unreadable_is_said(fp: FakeProcess) -> None:
    fp.register(commands.version(OPTIONS), stdout="fleetctl version 1.0.0\n")
    fp.register(commands.list_machines(OPTIONS), stdout="oh no\n")
    assert ENGINE.check() == "fleetctl list-machines printed a line that is no row of its table: 'oh no'"


# --- no fleetctl


@pytest.fixture
def without_fleetctl(tmp_path: Path) -> FleetEngine:
    return FleetEngine(FleetOptions(fleetctl=str(tmp_path / "fleetctl")))


@pytest.mark.process
def test_a_missing_fleetctl_is_said(without_fleetctl: FleetEngine) -> None:
    assert "can't be run: No such file or directory" in without_fleetctl.check()


@pytest.mark.process
@pytest.mark.parametrize("verb", ["units", "machines"])
def test_every_read_without_fleetctl_is_engine_missing(without_fleetctl: FleetEngine, verb: str) -> None:
    with pytest.raises(EngineMissing):
        getattr(without_fleetctl, verb)()


@pytest.mark.process
def test_a_command_over_there_without_fleetctl_is_engine_missing(without_fleetctl: FleetEngine) -> None:
    with pytest.raises(EngineMissing):
        without_fleetctl.exec(named(1), ("true",))


def test_a_machine_is_asked_over_ssh(fp: FakeProcess) -> None:
    fp.register(commands.run_shell(OPTIONS, "7f1e", "date"), stdout="1800000000\n")
    assert ENGINE.run_shell(Machine("7f1e"), "date") == "1800000000\n"


def test_a_machine_that_can_not_be_asked_is_an_error(fp: FakeProcess) -> None:
    fp.register(
        commands.run_shell(OPTIONS, "7f1e", "date"),
        returncode=1,
        stderr="Failed building SSH client: dial tcp: refused",
    )
    with pytest.raises(EngineUnreachable, match="got no ssh connection"):
        ENGINE.run_shell(Machine("7f1e"), "date")
