"""A lock's note: written as a unit, read back, told to people, run out."""

from __future__ import annotations

import pytest

from deployster_cli.domain.lock import Note, Sighting, sighted, unit_name
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import parse_options, write_options

ANN = Note("carousel", "ann", "laptop", "boot/pid:[1]", 4711, "a1b2", 1000, 7, "deploying v1")


def test_a_note_reads_back_what_was_written() -> None:
    assert Note.read(parse_options(write_options(ANN.options()))) == ANN


def test_a_note_that_does_nothing_in_particular_reads_back_too() -> None:
    idle = Note("carousel", "ann", "laptop", "h", 1, "t", 0)
    assert Note.read(parse_options(write_options(idle.options()))) == idle


@pytest.mark.parametrize("text", ["[Service]\nExecStart=/bin/true\n", "[X-Deployster]\nLock=a\nPid=x\n"])
def test_another_unit_is_no_note(text: str) -> None:
    assert Note.read(parse_options(text)) is None


@pytest.mark.parametrize("number", ["-4711", "4_711", "04711", "\u0664", "9" * 5000])
def test_a_note_with_a_number_that_we_never_write_is_none(number: str) -> None:
    options = tuple((at, name, number if name == "Pid" else value) for at, name, value in ANN.options())
    assert Note.read(options) is None


def test_a_note_of_an_earlier_version_changes_with_its_deadline() -> None:
    """1.0.0 wrote no Beat: its renewals are seen all the same."""
    options = tuple((at, "Deadline" if name == "Beat" else name, value) for at, name, value in ANN.options())
    assert Note.read(options) == ANN


def test_a_renewed_note_is_another_one_and_has_the_better_right() -> None:
    assert (ANN.yields_to(ANN.renewed()), ANN.renewed().yields_to(ANN), ANN.yields_to(ANN)) == (True, False, False)


def test_a_note_in_the_place_of_an_abandoned_one_has_the_better_right() -> None:
    bob = Note("carousel", "bob", "ci", "h", 1, "t", 0).over(ANN)
    assert (ANN.yields_to(bob), bob.yields_to(ANN)) == (True, False)


def looked(*looks: tuple[Note, float, float]) -> float:
    """For how long the last note was seen, after looks: (what was there, asked at, answered at)."""
    last = None
    for note, asked, answered in looks:
        last = sighted(last, note, asked, answered)
    assert last
    return last.seconds


def test_a_note_is_seen_from_the_first_answer_to_the_last_asking() -> None:
    assert looked((ANN, 0, 10)) == 0
    assert looked((ANN, 0, 10), (ANN, 12, 20), (ANN, 22, 40)) == 12


def test_a_note_that_changed_is_seen_for_the_first_time() -> None:
    assert looked((ANN, 0, 1), (ANN.renewed(), 20, 21), (ANN.renewed(), 25, 26)) == 4


def test_a_gap_between_two_looks_counts_for_no_longer_than_a_renewal_takes() -> None:
    assert looked((ANN, 0, 0), (ANN, 1000, 1000)) == 20


@pytest.mark.parametrize(("seconds", "abandoned"), [(119.9, False), (120, True)])
def test_a_note_is_abandoned_when_it_was_seen_for_its_life(seconds: float, abandoned: bool) -> None:
    assert Sighting(ANN, 0, seconds).abandoned is abandoned


def test_a_note_tells_whose_it_is() -> None:
    assert ANN.told(1065) == "ann on laptop (process 4711) for 1m05s, deploying v1"
    assert Note("s", "bob", "ci", "h", 1, "t", 100).told(130) == "bob on ci (process 1) for 30s"
    assert Note("s", "bob", "ci", "h", 1, "t", 100).told(40) == "bob on ci (process 1) for 0s"


def test_no_instance_has_a_locks_name() -> None:
    assert (unit_name("carousel"), UnitName.parse(ANN.unit)) == ("deployster-lock-carousel.service", None)
