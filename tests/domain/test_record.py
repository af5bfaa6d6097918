"""The record of what was asked of a service last: written, read, and set beside the stamps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.record import Record, corrected, unit_name
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Option, Stamp, parse_options, write_options

MORE = (("X-Deployster", "Note", "first of the month"), ("X-Deployster", "Was", "v0 2"))
RECORD = Record(
    "carousel", "v1", 3, "scale", "ann@laptop", "2026-03-01T00:00:00Z", ("v2", "v0"), MORE, failed=("v3", "v4")
)
STAMP = Stamp("carousel", "v1", 1, "2026-02-01T00:00:00Z", "bob@ci", "docker", instances=5, previous=("v0",))


def changed(name: str, to: str | None) -> tuple[Option, ...]:
    """The record's options with one of them changed, or left out."""
    options = [(section, key, to if key == name else value) for section, key, value in RECORD.options()]
    return tuple((section, key, value) for section, key, value in options if value is not None)


def test_it_is_read_back_from_the_text_of_a_unit_file() -> None:
    assert Record.read(parse_options(write_options(RECORD.options()))) == RECORD


def test_what_is_being_stopped_and_what_never_came_up_is_read_back_too() -> None:
    stopped = tuple(UnitName("carousel", "v0", n) for n in range(1, 101))
    full = replace(RECORD, stopped=stopped)
    assert Record.read(parse_options(write_options(full.options()))) == full


def test_of_another_service_it_says_nothing() -> None:
    other = replace(RECORD, more=(), stopped=(UnitName("other", "v0", 1), UnitName("carousel", "v0", 1)))
    odd = (*other.options(), ("X-Deployster", "Stopped", "anything"))
    found = Record.read(odd)
    assert found and found.stopped == (UnitName("carousel", "v0", 1),)


def test_one_with_nothing_before_it_is_read_back_too() -> None:
    first = replace(RECORD, previous=(), more=(), failed=())
    assert Record.read(parse_options(write_options(first.options()))) == first


def test_what_a_later_version_added_is_kept() -> None:
    later = changed("Record", "2")
    found = Record.read(later)
    assert found is not None
    assert (found, found.more) == (RECORD, MORE)


def test_its_unit_is_no_instance_of_any_service() -> None:
    assert (RECORD.unit, UnitName.parse(RECORD.unit)) == ("deployster-record-carousel.service", None)
    assert RECORD.unit == unit_name("carousel")


@pytest.mark.parametrize("name", ["Record", "Service", "Version", "Instances", "Verb", "By", "At"])
def test_without_one_of_its_facts_it_is_none(name: str) -> None:
    assert Record.read(changed(name, None)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Record", "x"),
        ("Service", "No Service"),
        ("Version", "-v1"),
        ("Instances", "0"),
        ("Instances", "many"),
        ("At", "yesterday"),
        ("Previous", "v1 -"),
        ("Failed", "v1 -"),
    ],
)
def test_with_a_fact_that_can_not_be_it_is_none(name: str, value: str) -> None:
    assert Record.read(changed(name, value)) is None


def test_a_lock_is_none() -> None:
    assert Record.read((("Unit", "Description", "x"), ("X-Deployster", "Lock", "carousel"))) is None


def test_it_says_what_the_stamps_of_its_release_would_say() -> None:
    other = replace(STAMP, version="v0")
    assert corrected({"v1": STAMP, "v0": other}, RECORD) == {
        "v1": replace(STAMP, instances=3, previous=("v2", "v0")),
        "v0": other,
    }


def test_it_counts_beside_units_that_were_started_by_the_same_change() -> None:
    assert corrected({"v1": replace(STAMP, deployed_at=RECORD.at)}, RECORD)["v1"].instances == 3


def test_it_says_nothing_once_its_release_was_deployed_anew() -> None:
    later = {"v1": replace(STAMP, deployed_at="2026-03-01T00:00:01Z")}
    assert corrected(later, RECORD) == later


def test_it_says_nothing_of_a_release_that_is_gone() -> None:
    other = {"v2": replace(STAMP, version="v2")}
    assert corrected(other, RECORD) == other


def test_without_a_record_the_stamps_say_it_all() -> None:
    assert corrected({"v1": STAMP}, None) == {"v1": STAMP}
