"""Notes of which each machine keeps a copy."""

from __future__ import annotations

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.ssh import notes
from deployster_cli.engines.ssh.notes import Kept, Place

WEB = UnitName("web", "v1", 1)


def test_a_copy_is_read_as_it_was_written() -> None:
    assert notes.read(Kept(7, "a\nb\n").copy) == Kept(7, "a\nb\n")


@pytest.mark.parametrize("text", ["", "x\n", "1x\n", "-1\n", "9" * 13])
def test_what_is_no_note_is_none(text: str) -> None:
    assert notes.read(text) is None
    assert notes.merged([{"notes/a.record": text}]) == {}


def test_the_copy_that_was_written_more_often_counts() -> None:
    old, new = {"notes/a.record": "1\nold"}, {"notes/a.record": "2\nnew"}
    assert notes.merged([old, new]) == notes.merged([new, old]) == {"notes/a.record": Kept(2, "new")}


def test_one_that_was_dropped_does_not_come_back_with_a_machine() -> None:
    dropped = Kept(4, "")
    found = notes.merged([{"notes/a.record": "3\ntext"}, {"notes/a.record": dropped.copy}])
    assert found == {"notes/a.record": Kept(4, "")}


def test_locks_are_no_notes() -> None:
    assert notes.merged([{"locks/a.lock": "1\nx"}]) == {}


def test_places_are_read_as_they_were_written() -> None:
    there = [Place(WEB, "0123", "web1"), Place(UnitName("web", "a-b", 2), "4567", "web2:2222")]
    assert notes.places([{notes.placed_of("web"): Kept(1, notes.written(there)).copy}]) == sorted(there)


def test_what_is_no_place_is_none() -> None:
    text = f"{WEB.text} 0123\nno-name 0123 web1\n\n{WEB.text} 0123 web1\n"
    copy = {"notes/web.placed": f"1\n{text}", "notes/web.record": f"1\n{WEB.text} 1 x\n", "notes/x.placed": "no note"}
    assert notes.places([copy]) == [Place(WEB, "0123", "web1")]


def test_of_two_machines_copies_both_are_believed() -> None:
    """Two runs that were cut off from one another have each written once."""
    one, other = Place(WEB, "0123", "web1"), Place(UnitName("web", "v2", 1), "4567", "web2")
    copies = [{notes.placed_of("web"): Kept(11, notes.written([place])).copy} for place in (one, other)]
    assert notes.places(copies) == sorted([one, other])
