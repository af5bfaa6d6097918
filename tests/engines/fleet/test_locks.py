"""Reading a lock back: a note, nothing, somebody else's unit, and what fleetctl can't have meant."""

from __future__ import annotations

import pytest
from pytest_subprocess import FakeProcess

from deployster_cli.domain.lock import Note, unit_name
from deployster_cli.domain.units.unitfile import hash_of, write_options
from deployster_cli.engines.fleet import commands, locks
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine
from deployster_cli.errors import EXIT_ENGINE, EngineError, OutputUnreadable

OPTIONS = FleetOptions()
LOCKS = FleetEngine(OPTIONS).locks
UNIT = unit_name("carousel")
CAT = commands.cat(OPTIONS, UNIT)
NOTE = Note("carousel", "ann", "laptop", "k/1", 4711, "t0ken", 1, 121, "deploying 9f88701")
TEXT = write_options(NOTE.options())


def test_a_note_is_read_back(fp: FakeProcess) -> None:
    fp.register(CAT, stdout=TEXT)
    assert LOCKS.read("carousel") == NOTE


def test_there_is_no_note_where_the_registry_has_none(fp: FakeProcess) -> None:
    fp.register(CAT, stderr=f"Unit {UNIT} not found\n", returncode=1)
    assert LOCKS.read("carousel") is None


@pytest.mark.parametrize("text", ["", "\n", "the quick brown fox\n", "[Unit\n", "=\n", TEXT[:-1], TEXT[:40]])
def test_what_is_no_unit_file_is_the_engines_fault(fp: FakeProcess, text: str) -> None:
    fp.register(CAT, stdout=text)
    with pytest.raises(OutputUnreadable) as caught:
        LOCKS.read("carousel")
    assert (caught.value.exit_code, caught.value.argv) == (EXIT_ENGINE, CAT)


@pytest.mark.parametrize("text", ["", "the quick brown fox\n", TEXT[:-1]])
def test_nobody_is_told_to_destroy_what_could_not_be_read(fp: FakeProcess, text: str) -> None:
    fp.register(CAT, stdout=text)
    with pytest.raises(OutputUnreadable) as caught:
        LOCKS.read("carousel")
    assert "destroy" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["[Service]\nExecStart=/bin/true\n", "[Unit]\nDescription=mine\n"])
def test_a_strangers_unit_of_that_name_is_no_lock(fp: FakeProcess, text: str) -> None:
    fp.register(CAT, stdout=text)
    with pytest.raises(EngineError, match=f"{UNIT} is in the cluster and is no lock of Deployster's") as caught:
        LOCKS.read("carousel")
    assert caught.value.hint == f"If nobody needs it, remove it with fleetctl destroy {UNIT}."


@pytest.mark.parametrize(("run", "shown"), [(hash_of(TEXT), True), ("0" * 40, False)])
def test_a_note_is_shown_where_the_last_listing_had_this_very_one(fp: FakeProcess, run: str, shown: bool) -> None:
    fp.register(commands.list_units(OPTIONS))
    fp.register(commands.list_unit_files(OPTIONS), stdout=f"{UNIT}\t{run}\tinactive\tinactive\t-\t-\n")
    engine = FleetEngine(OPTIONS)
    engine.units()
    assert engine.locks.shown(NOTE) is shown


def test_no_note_is_shown_before_the_first_listing() -> None:
    assert not FleetEngine(OPTIONS).locks.shown(NOTE)


class Ticking:
    """A clock that stands still but while fleetctl runs."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.mark.parametrize(("took", "wait"), [(0.03, 0.4), (0.28, 0.4), (0.5, 1.0), (1.25, 4.0)])
def test_a_note_counts_when_others_four_times_as_slow_as_ours_would_be_through(
    fp: FakeProcess, monkeypatch: pytest.MonkeyPatch, took: float, wait: float
) -> None:
    """Of a submit a quarter of a second passes after it has written: that is no part of the race."""
    clock = Ticking()
    monkeypatch.setattr(locks, "time", clock)
    fp.register(["fleetctl", "submit", fp.any()], callback=lambda _: setattr(clock, "at", took))
    assert LOCKS.put(NOTE) == wait
