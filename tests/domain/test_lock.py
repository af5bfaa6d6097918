"""A lock's note: written as a unit, read back, told to people, run out."""

from __future__ import annotations

import pytest

from deployster_cli.domain.lock import LASTS, Note, unit_name
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.unitfile import parse_options, write_options

ANN = Note("carousel", "ann", "laptop", "boot/pid:[1]", 4711, "a1b2", 1000, 1120, "deploying v1")


def test_a_note_reads_back_what_was_written() -> None:
    assert Note.read(parse_options(write_options(ANN.options()))) == ANN


def test_a_note_that_does_nothing_in_particular_reads_back_too() -> None:
    idle = Note("carousel", "ann", "laptop", "h", 1, "t", 0, 1)
    assert Note.read(parse_options(write_options(idle.options()))) == idle


@pytest.mark.parametrize("text", ["[Service]\nExecStart=/bin/true\n", "[X-Deployster]\nLock=a\nPid=x\n"])
def test_another_unit_is_no_note(text: str) -> None:
    assert Note.read(parse_options(text)) is None


@pytest.mark.parametrize("number", ["-4711", "4_711", "04711", "\u0664", "9" * 5000])
def test_a_note_with_a_number_that_we_never_write_is_none(number: str) -> None:
    options = tuple((at, name, number if name == "Pid" else value) for at, name, value in ANN.options())
    assert Note.read(options) is None


def test_a_note_runs_out_unless_it_is_renewed() -> None:
    assert (ANN.expired(1120), ANN.expired(1121), ANN.renewed(1121).expired(1121 + LASTS)) == (False, True, False)


def test_a_note_tells_whose_it_is() -> None:
    assert ANN.told(1065) == "ann on laptop (process 4711) for 1m05s, deploying v1"
    assert Note("s", "bob", "ci", "h", 1, "t", 100, 200).told(130) == "bob on ci (process 1) for 30s"


def test_no_instance_has_a_locks_name() -> None:
    assert (unit_name("carousel"), UnitName.parse(ANN.unit)) == ("deployster-lock-carousel.service", None)
