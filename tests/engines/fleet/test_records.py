"""Records on fleet: known from the last listing, read once, written in one call."""

from __future__ import annotations

import pytest
from pytest_subprocess import FakeProcess

from deployster_cli.domain.record import Record
from deployster_cli.domain.units.unitfile import hash_of, write_options
from deployster_cli.engines.fleet import commands
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine

OPTIONS = FleetOptions()
RECORD = Record("carousel", "v1", 3, "scale", "ann@laptop", "2026-03-01T00:00:00Z", ("v2",))
TEXT = write_options(RECORD.options())
CAT = commands.cat(OPTIONS, RECORD.unit)


def listed(fp: FakeProcess, run: str) -> FleetEngine:
    """An engine that has listed the record's unit with this hash, and a unit of the service."""
    engine = FleetEngine(OPTIONS)
    list_again(fp, engine, run)
    return engine


def list_again(fp: FakeProcess, engine: FleetEngine, run: str) -> None:
    fp.register(commands.list_units(OPTIONS))
    fp.register(commands.list_unit_files(OPTIONS), stdout=f"{RECORD.unit}\t{run}\tinactive\tinactive\t-\t-\n")
    assert engine.units() == ()


def test_it_is_listed_and_shown_as_no_unit(fp: FakeProcess) -> None:
    records = listed(fp, hash_of(TEXT)).records
    assert (records.listed("carousel"), records.listed("carousel2")) == (True, False)


def test_it_is_read_once_until_a_listing_shows_another(fp: FakeProcess) -> None:
    engine = listed(fp, hash_of(TEXT))
    fp.register(CAT, stdout=TEXT)
    assert [engine.records.read("carousel") for _ in range(2)] == [RECORD, RECORD]
    list_again(fp, engine, "0" * 40)
    fp.register(CAT, stderr=f"Unit {RECORD.unit} not found\n", returncode=1)
    assert engine.records.read("carousel") is None
    assert fp.call_count(CAT) == 2


@pytest.mark.parametrize("text", ["[Unit]\nDescription=mine\n", TEXT.replace("Service=carousel", "Service=other")])
def test_a_unit_of_that_name_that_is_something_else_is_none(fp: FakeProcess, text: str) -> None:
    engine = listed(fp, hash_of(text))
    fp.register(CAT, stdout=text)
    assert engine.records.read("carousel") is None


def test_it_is_written_over_the_one_before_in_one_call_and_dropped_in_one(fp: FakeProcess) -> None:
    put: list[str] = []
    fp.register(
        ["fleetctl", fp.any()],
        callback=lambda process: put.append(process.args[-1].rpartition("/")[2]),
        occurrences=2,
    )
    records = FleetEngine(OPTIONS).records
    records.write(RECORD)
    records.drop("carousel")
    submit, destroy = (list(map(str, call)) for call in fp.calls)
    assert ("submit" in submit, "--replace" in submit, "destroy" in destroy) == (True, True, True)
    assert put == [RECORD.unit, RECORD.unit]
