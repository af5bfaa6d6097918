"""Ports are free, differ, and are the same again for the same names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.ports import FIRST, LAST, assign
from deployster_cli.errors import InvalidInput

names = st.lists(
    st.builds(UnitName, st.sampled_from(["carousel", "web"]), st.sampled_from(["1", "2-b"]), st.integers(1, 40)),
    unique=True,
    max_size=30,
)
avoided = st.frozensets(st.integers(100, 139))


@given(names, st.frozensets(st.integers(FIRST, LAST)))
def test_every_name_has_a_port_of_its_own(wanted: list[UnitName], avoid: frozenset[int]) -> None:
    assert len(set(assign(wanted, avoid).values())) == len(wanted)


@given(names.filter(lambda wanted: len(wanted) <= 20), st.frozensets(st.integers(100, 139), max_size=20))
def test_a_crowded_range_still_gives_only_free_ports(wanted: list[UnitName], avoid: frozenset[int]) -> None:
    assert set(assign(wanted, avoid, 100, 139).values()) <= set(range(100, 140)) - avoid


@given(names, avoided)
def test_the_same_names_get_the_same_ports(wanted: list[UnitName], avoid: frozenset[int]) -> None:
    assert assign(wanted, avoid) == assign(wanted, sorted(avoid))


def test_where_a_name_starts_looking_does_not_change_between_versions() -> None:
    assert assign([UnitName("carousel", "9f88701", 1)], ()) == {UnitName("carousel", "9f88701", 1): 23413}


def test_a_name_given_twice_has_one_port() -> None:
    name = UnitName("carousel", "9f88701", 1)
    assert list(assign([name, name], ())) == [name]


def test_a_range_without_a_free_port_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^No port from 100 to 101 is left for web 1 @3: every one is in use\.$"):
        assign([UnitName("web", "1", n) for n in (1, 2, 3)], (), 100, 101)
