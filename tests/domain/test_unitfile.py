"""Unit files read back as they were written, hash as fleet hashes them, and refuse what is no unit file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import (
    LONGEST_LINE,
    MOST_PREVIOUS,
    ROLLBACK,
    Stamp,
    UnitFile,
    grouped,
    parse_options,
)
from deployster_cli.errors import TemplateFault

NAME = UnitName("carousel", "9f88701", 1)
STAMP = Stamp("carousel", "9f88701", 1, "2026-01-02T03:04:05Z", "ada@laptop", "docker", 2, 20001, ("a41c9e2", "77"))

words = st.from_regex(re.compile(r"[A-Za-z][A-Za-z0-9-]{0,9}", re.ASCII), fullmatch=True)
values = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30)
    .map(str.strip)
    .filter(lambda text: not text.endswith("\\"))
)
options = st.lists(st.tuples(words, words, values), max_size=12).map(lambda found: grouped(tuple(found)))


@given(options)
def test_a_unit_file_reads_back_from_its_text(found: tuple[tuple[str, str, str], ...]) -> None:
    unit = UnitFile(NAME, found)
    assert UnitFile.parse(NAME, unit.text) == unit


@given(st.text("[]=;#\\ \nab", max_size=40))
def test_whatever_can_be_read_is_written_in_a_form_that_reads_the_same(text: str) -> None:
    try:
        unit = UnitFile.parse(NAME, text)
    except TemplateFault:
        return
    assert UnitFile.parse(NAME, unit.text).text == unit.text


def unit(text: str) -> UnitFile:
    return UnitFile.parse(NAME, text)


def test_comments_and_blank_lines_are_dropped() -> None:
    assert unit("# a\n\n[Unit]\n; b\nAfter = x.service \n").text == "[Unit]\nAfter=x.service\n"


def test_a_sections_options_are_gathered_where_it_first_stood() -> None:
    assert unit("[A]\na=1\n[B]\nb=1\n[A]\na=2").text == "[A]\na=1\na=2\n\n[B]\nb=1\n"


def test_a_continued_line_is_joined_with_a_space_and_skips_comments() -> None:
    assert unit("[A]\na=1 \\\n# no\n  2\\\n3").values("A", "a") == ("1  2 3",)


def test_a_blank_line_ends_a_continued_one() -> None:
    assert parse_options("[A]\na=1 \\\n\nb=2") == (("A", "a", "1"), ("A", "b", "2"))


def test_a_continuation_at_the_end_of_the_file_ends_there() -> None:
    assert unit("[A]\na=1 \\").values("A", "a") == ("1",)


def test_a_continuation_into_nothing_is_nothing() -> None:
    assert parse_options("[A]\n\\\n\n") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=1", "line 1 of the unit file is neither [Section] nor Name=value: 'a=1'"),
        ("[A]\nword", "line 2 of the unit file is neither [Section] nor Name=value: 'word'"),
        ("[A]\n=1", "line 2 of the unit file is neither [Section] nor Name=value: '=1'"),
        ("[A", "line 1 of the unit file is not a [Section]: '[A'"),
        ("\n[]", "line 2 of the unit file is not a [Section]: '[]'"),
        ("[]a]", "line 1 of the unit file is not a [Section]: '[]a]'"),
        ("[A]]", "line 1 of the unit file is not a [Section]: '[A]]'"),
        ("[A]\na=1\rb=2", "line 2 of the unit file has a character that none may have: 'a=1\\rb=2'"),
        ("[A]\na=\\ \\", "line 2 of the unit file ends with a backslash and is not continued: 'a=\\'"),
    ],
)
def test_what_is_no_unit_file_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        parse_options(text)
    assert caught.value.message == said


def test_the_longest_line_that_fleet_takes_is_accepted() -> None:
    assert len(unit("[A]\na=" + "é" * ((LONGEST_LINE - 3) // 2)).options) == 1


def test_a_line_too_long_for_fleet_is_refused() -> None:
    with pytest.raises(TemplateFault, match="option a is 2048 bytes long and fleet takes lines of 2047 at most"):
        unit("[A]\na=" + "x" * 2046)


def test_the_hash_is_the_texts_sha1() -> None:
    text = "[Unit]\nDescription=é\n"
    assert unit(text).hash == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def test_all_values_of_an_option_are_found_in_order() -> None:
    assert unit("[A]\na=1\nb=2\na=3\n[B]\na=4").values("A", "a") == ("1", "3")


def test_the_last_value_counts() -> None:
    assert unit("[A]\na=1\na=2").last("A", "a") == "2"


def test_an_option_that_is_not_there_has_the_default() -> None:
    assert unit("[A]\na=1").last("A", "b", "none") == "none"


@pytest.mark.parametrize(("kind", "oneshot"), [("oneshot", True), ("simple", False)])
def test_a_oneshot_is_known_by_its_type(kind: str, oneshot: bool) -> None:
    assert unit(f"[Service]\nType={kind}").oneshot is oneshot


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 0.1), ("RestartSec=3", 3.0), ("RestartSec=soon", 0.1), ("RestartSec=1min", 60.0)]
)
def test_the_pause_before_a_restart_is_read_or_systemds_own(said: str, seconds: float) -> None:
    assert unit(f"[Service]\nA=1\n{said}").restart_pause == seconds


def test_placement_is_what_x_fleet_says() -> None:
    assert unit("[Unit]\nA=1\n[X-Fleet]\nGlobal=true\nConflicts=a").placement == ("Global=true", "Conflicts=a")


def test_a_stamp_reads_back() -> None:
    assert unit("[Unit]\nA=1").stamped(STAMP).stamp == STAMP


def test_a_stamp_reads_back_from_text() -> None:
    assert unit(unit("[Unit]\nA=1").stamped(STAMP).text).stamp == STAMP


def test_a_stamp_without_the_facts_that_may_be_missing_reads_back() -> None:
    bare = replace(STAMP, instances=None, port=None, previous=())
    assert unit("[Unit]\nA=1").stamped(bare).stamp == bare


def test_a_stamp_keeps_the_newest_ten_releases() -> None:
    long = replace(STAMP, previous=tuple(str(n) for n in range(20)))
    kept = unit("[A]\na=1").stamped(long).stamp
    assert kept is not None
    assert kept.previous == tuple(str(n) for n in range(MOST_PREVIOUS))


def test_a_new_stamp_takes_the_place_of_the_old() -> None:
    assert unit("[X-Deployster]\nOwner=me\n[Unit]\nA=1").stamped(STAMP).values("X-Deployster", "Owner") == ()


def test_a_stamp_makes_no_difference_to_what_runs() -> None:
    bare = unit("[Unit]\nA=1")
    assert bare.stamped(STAMP).unstamped == bare.options


def test_neither_the_stamp_nor_how_it_is_installed_is_what_a_unit_runs() -> None:
    name = UnitName("carousel", "1", 1)
    bare = UnitFile(name, (("Service", "ExecStart", "/bin/true"),))
    installed = UnitFile(name, (*bare.options, ("Install", "WantedBy", "init.scope"))).stamped(STAMP)
    assert bare.runs_as(installed)
    assert installed.runs_as(bare)
    assert not installed.runs_as(UnitFile(name, (("Service", "ExecStart", "/bin/false"),)))


@pytest.mark.parametrize("section", ["", "[X-Deployster]\nService=carousel"])
def test_a_unit_without_a_whole_stamp_has_none(section: str) -> None:
    assert unit("[Unit]\nA=1\n" + section).stamp is None


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Port=20001", "Port=high"),
        ("Port=20001", "Port=20_001"),
        ("Port=20001", "Port=65536"),
        ("Port=20001", "Port=0"),
        ("Instance=1", "Instance=01"),
        ("Instance=1", "Instance=+1"),
        ("Instance=1", "Instance=\u0661"),
        ("Instances=2", "Instances=" + "9" * 50),
        ("Previous=a41c9e2", "Previous=../a41c9e2"),
    ],
)
def test_a_stamp_that_we_never_write_is_none(written: str, found: str) -> None:
    text = unit("[Unit]\nA=1").stamped(STAMP).text
    assert unit(text.replace(f"{written}\n", f"{found}\n").replace(f"{written} ", f"{found} ")).stamp is None


def test_a_stamp_with_the_most_instances_is_one() -> None:
    assert unit("[Unit]\nA=1").stamped(replace(STAMP, instances=999_999)).stamp == replace(STAMP, instances=999_999)


def test_a_stamp_with_more_than_ten_releases_is_cut_to_them() -> None:
    text = unit("[Unit]\nA=1").stamped(STAMP).text.replace("Previous=a41c9e2", "Previous=" + "1 " * 20)
    assert unit(text).stamp == replace(STAMP, previous=("1",) * 10)


@pytest.mark.parametrize(("change", "read"), [(ROLLBACK, ROLLBACK), ("", ""), ("something else", "")])
def test_a_stamp_knows_that_a_rollback_made_it(change: str, read: str) -> None:
    file = UnitFile(NAME, (("Service", "ExecStart", "/bin/true"),)).stamped(replace(STAMP, change=change))
    assert file.stamp is not None
    assert file.stamp.change == read
