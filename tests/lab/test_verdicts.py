"""What counts as a fault survived: the verdict on what was seen, and the table of verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from verdicts import Expected, Left, Outcome, Row, Table, misplaced, overlaps, parsed, span, table, text, version_of

NEW = ("broken-v2@1.service", "broken-v2@2.service")
OLD = ("broken-v1@1.service", "broken-v1@2.service")
LOCK = "deployster-lock-broken.service"


def left(units: tuple[str, ...]) -> Left:
    return Left(units, units, units)


GOOD = Outcome(Expected(0, "new", 2, 2, 60), "v1", "v2", 0, 21.4, left(NEW), 2, said="Done.")


def test_what_is_as_expected_has_no_complaint() -> None:
    assert GOOD.complaints() == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"code": 1, "said": "Error: no."}, "exit 1 where exit 0 was due: Error: no."),
        ({"code": None}, "no end where exit 0 was due: Done."),
        ({"seconds": 61.2}, "it took 61 s, 60 are the limit"),
        ({"least": 1}, "only 1 served for a moment, 2 had to"),
        ({"troubles": ("a and b overlap",)}, "a and b overlap"),
        ({"left": left((*NEW, LOCK))}, f"{LOCK} should not be there"),
        ({"left": left((*NEW, OLD[0]))}, "broken-v1@1.service should not be there"),
        ({"left": left(NEW[:1])}, "1 units of v2 in the registry, not 2"),
        ({"left": Left(NEW, NEW[:1], NEW)}, "fleet lists as running: broken-v2@1.service"),
        ({"left": Left(NEW, NEW, ())}, "the machines run: none"),
        ({"left": Left(NEW, NEW, (*NEW, NEW[1]))}, f"the machines run: {NEW[0]} {NEW[1]} {NEW[1]}"),
    ],
)
def test_whatever_is_not_as_expected_is_complained_of(change: dict[str, object], complaint: str) -> None:
    assert replace(GOOD, **change).complaints() == [complaint]  # type: ignore[arg-type]


def test_where_the_old_release_had_to_stay_the_new_one_is_out_of_place() -> None:
    failed = replace(GOOD, expected=Expected(1, "old", 2, 2, 60), code=1, left=left(OLD))
    assert (failed.complaints(), bool(replace(failed, left=left(NEW)).complaints())) == ([], True)


def test_without_a_floor_any_number_may_serve() -> None:
    assert replace(GOOD, expected=replace(GOOD.expected, floor=None), least=0).complaints() == []


def test_where_it_does_not_matter_what_is_left_nothing_is_out_of_place() -> None:
    free = replace(GOOD, expected=replace(GOOD.expected, left=""), left=left((LOCK,)))
    assert (free.complaints(), free.told(), free.expected.told()) == ([], "exit 0", "exit 0")


def test_an_empty_cluster_is_not_what_is_wanted() -> None:
    assert misplaced(Left(), "v2", 2) == ["0 units of v2 in the registry, not 2"]


@pytest.mark.parametrize(
    ("units", "told"),
    [
        (left(NEW), "exit 0, 2 new"),
        (left((*NEW, OLD[0])), "exit 0, 2 new + 1 old"),
        (left(()), "exit 0, none"),
        (Left(NEW, NEW, ()), "exit 0, 2 new in the registry, 2 new running, none serving"),
        (left((LOCK,)), f"exit 0, 1 {LOCK}"),
    ],
)
def test_the_units_that_are_left_are_counted_by_release(units: Left, told: str) -> None:
    assert replace(GOOD, left=units).told() == told


@pytest.mark.parametrize(("unit", "version"), [(NEW[0], "v2"), (LOCK, ""), ("a-b-v1.2@10.service", "v1.2"), ("", "")])
def test_a_unit_s_version_is_read_off_its_name(unit: str, version: str) -> None:
    assert version_of(unit) == version


def test_deploys_one_after_the_other_do_not_overlap() -> None:
    assert overlaps([("b", "10:00:05", "10:00:09"), ("a", "10:00:00", "10:00:05")]) == []


def test_a_deploy_that_began_too_early_is_named() -> None:
    spans = [("a", "10:00:00", "10:00:05"), ("c", "10:00:09", "10:00:12"), ("b", "10:00:04", "10:00:09")]
    assert overlaps(spans) == ["b began before a had ended"]


def test_a_row_of_one_deploy_tells_of_that() -> None:
    cells = ("kill", "power off", "exit 0, 2 new", "exit 0, 2 new", "21", "2 (at least 2)", "ok")
    assert Row("kill", "power off", (GOOD,)).cells() == cells


def test_a_row_of_many_deploys_tells_how_many_of_each_end() -> None:
    row = Row("kill", "power off", (GOOD, GOOD, replace(GOOD, code=1, seconds=30.0, said="Error: no.")))
    assert row.cells()[3:] == (
        "2 x exit 0, 2 new; 1 x exit 1, 2 new",
        "21 to 30",
        "2 (at least 2)",
        "1 of 3 FAILED",
    )


def test_why_says_each_complaint_once() -> None:
    bad = replace(GOOD, code=1, said="Error: no.")
    assert Row("kill", "power off", (bad, GOOD, bad)).why == "exit 1 where exit 0 was due: Error: no."


def test_a_row_without_a_floor_shows_only_what_was_seen() -> None:
    row = Row("etcd", "gone", (replace(GOOD, expected=replace(GOOD.expected, floor=None), least=1),))
    assert row.cells()[5] == "1"


def test_what_could_not_be_tried_has_not_failed() -> None:
    row = Row("tunnel", "cut", missing="This program is missing: ssh-agent")
    assert (row.failed, row.verdict, row.why) == (False, "not tried", "This program is missing: ssh-agent")


def test_a_scenario_that_did_not_come_to_its_end_has_failed() -> None:
    row = Row("tunnel", "cut", error="it took longer than 400 s")
    assert (row.failed, row.verdict, row.why) == (True, "FAILED", "it took longer than 400 s")


@pytest.mark.parametrize(("seconds", "told"), [([16.2], "16"), ([14.0, 22.4, 16.0], "14 to 22"), ([16.1, 15.9], "16")])
def test_seconds_are_told_as_a_span(seconds: list[float], told: str) -> None:
    assert span(seconds) == told


def test_every_line_of_the_table_has_the_same_cells_at_the_same_places() -> None:
    lines = table([Row("a|b", "x", (GOOD,)), Row("c", "what\never", (GOOD, GOOD))]).splitlines()
    places = [[at for at, char in enumerate(line) if char == "|" and line[at - 1] != "\\"] for line in lines]
    assert (len(lines), len(places[0]), places.count(places[0])) == (4, 8, 4)


def test_what_was_wrong_is_said_below_the_table() -> None:
    assert table([Row("a", "x", (GOOD,)), Row("c", "y", error="no")]).splitlines()[4:] == ["", "- c, y: FAILED: no"]


def test_nothing_stands_below_a_table_where_all_is_well() -> None:
    assert len(table([Row("a", "x", (GOOD,))]).splitlines()) == 3


TWO = Table([Row("a|b", "x", (GOOD,)).cells(), Row("c", "y", error="no").cells()], ["- c, y: FAILED: no"])


def test_a_table_is_read_as_it_was_written() -> None:
    assert parsed(f"# Page\n\n- a list\n\n{text(TWO)}") == TWO


def test_the_rows_of_a_scenario_are_taken_out_with_what_was_wrong() -> None:
    assert (TWO.without({"c"}), TWO.without({"a|b"})) == (Table(TWO.lines[:1], []), Table(TWO.lines[1:], TWO.wrong))
