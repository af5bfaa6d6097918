"""Descriptions of our units: they tell which unit of ours it is and its port, and of no other unit anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.descriptions import describe, own_words, read
from deployster_cli.domain.units.names import UnitName

NAME = UnitName("carousel", "9f88701", 1)
names = st.builds(
    UnitName,
    st.sampled_from(["web", "web-1", "a.b"]),
    st.sampled_from(["1", "v1-2", "instance"]),
    st.integers(1, 120),
    st.just(""),
)
ports = st.none() | st.integers(1, 65535)
words = st.text("ab port0123()-", max_size=30) | names.map(lambda name: name.title)


@given(words, names, ports)
def test_what_is_written_reads_back(text: str, name: UnitName, port: int | None) -> None:
    ours, found = read(describe(text, name, port), name)
    assert (ours, found) == (True, port)


@given(names, names, ports)
def test_it_is_no_other_units(name: UnitName, other: UnitName, port: int | None) -> None:
    assert read(describe("", name, port), other)[0] == (name == other)


@given(st.text("ab ", min_size=1, max_size=8), names, ports)
def test_a_templates_own_words_are_kept_apart(text: str, name: UnitName, port: int | None) -> None:
    assert own_words(describe(text, name, port), name) == text + ("" if port is None else f" port {port}")


@pytest.mark.parametrize("text", ["", NAME.title])
def test_a_title_stands_once(text: str) -> None:
    assert describe(text, NAME, 3001) == "carousel 9f88701 instance 1 port 3001"
