"""Which machines a global unit belongs on, by fleet's rules, and what it looks like where it is not there yet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.rollout.placement import bars_its_successor, fitting, is_global, spread
from deployster_cli.domain.units.model import Condition, Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile

NAME = UnitName("carousel", "v1", 1)
M1 = Machine("m1", "10.0.0.1", {"zone": "z1", "disk": "ssd"})
M2 = Machine("m2", "10.0.0.2", {"zone": "z2", "disk": "ssd"})
M3 = Machine("m3", "10.0.0.3", {"zone": "z1"})
ALL = (M1, M2, M3)
GLOBAL = Unit(NAME, State.LAUNCHED, hash="abc", port=3001, everywhere=True)


def file(*rules: str) -> UnitFile:
    return UnitFile(NAME, tuple(("X-Fleet", *rule.split("=", 1)) for rule in ("Global=true", *rules)))  # type: ignore[misc]


def copy(machine: Machine, active: str = "active", sub: str = "running") -> Unit:
    return GLOBAL._replace(load="loaded", active=active, sub=sub, machine=machine)


def ids(machines: tuple[Machine, ...]) -> list[str]:
    return [machine.id for machine in machines]


@pytest.mark.parametrize("value", ["true", "True", "yes", "1", "on", "t"])
def test_a_unit_is_global_if_it_says_so_in_fleets_words(value: str) -> None:
    assert is_global(file(f"Global={value}"))


@pytest.mark.parametrize("value", ["false", "no", "0", ""])
def test_the_last_word_on_it_counts(value: str) -> None:
    assert not is_global(file(f"Global={value}"))


def test_a_unit_without_rules_is_not_global() -> None:
    assert not is_global(UnitFile(NAME, (("Service", "Global", "true"),)))


@pytest.mark.parametrize(
    ("rules", "fit"),
    [
        ((), ["m1", "m2", "m3"]),
        (('MachineMetadata="zone=z1"',), ["m1", "m3"]),
        (("MachineMetadata=zone=z2",), ["m2"]),
        (('MachineMetadata="zone=z1" "disk=ssd"',), ["m1"]),
        (('MachineMetadata="zone=z1"', 'MachineMetadata="zone=z2"'), ["m1", "m2", "m3"]),
        (('MachineMetadata="rack=r1"',), []),
        (('MachineMetadata="zone"', 'MachineMetadata="=z1"', 'MachineMetadata="zone="'), ["m1", "m2", "m3"]),
        (('MachineMetadata="zone=z1=z2"',), ["m1", "m2", "m3"]),
    ],
)
def test_the_machines_that_fit_have_one_of_the_values_of_each_key(rules: tuple[str, ...], fit: list[str]) -> None:
    assert ids(fitting(file(*rules), ALL)) == fit


def test_a_machine_that_does_not_report_the_unit_yet_has_a_copy_that_is_starting() -> None:
    found = spread(worst_of([copy(M1)]), file(), (M1, M2))
    assert [(c.machine, c.condition) for c in found.copies] == [(M1, Condition.RUNNING), (M2, Condition.STARTING)]


def test_a_global_unit_without_any_report_is_to_come_up_on_all_machines_that_fit() -> None:
    assert [c.machine for c in spread(GLOBAL, file('MachineMetadata="zone=z1"'), ALL).copies] == [M1, M3]


def test_a_machine_that_does_not_fit_any_more_does_not_count() -> None:
    found = spread(worst_of([copy(M1), copy(M2, "failed", "failed")]), file('MachineMetadata="zone=z1"'), (M1, M2))
    assert (found.condition, found.machine) == (Condition.RUNNING, M1)


def test_a_global_unit_that_no_machine_fits_waits_for_one() -> None:
    found = spread(worst_of([copy(M1)]), file('MachineMetadata="rack=r1"'), ALL)
    assert (found.condition, found.copies, found.machine) == (Condition.WAITING, (), None)


@given(
    st.sets(st.sampled_from(["m1", "m2", "m3"])),
    st.sets(st.sampled_from(["m1", "m2", "m3"])),
    st.sampled_from(["z1", "z2", "z3"]),
)
def test_a_spread_unit_has_one_copy_for_each_machine_that_fits(seen: set[str], there: set[str], zone: str) -> None:
    unit = worst_of([copy(m) for m in ALL if m.id in seen]) if seen else GLOBAL
    rules = file(f'MachineMetadata="zone={zone}"')
    machines = tuple(m for m in ALL if m.id in there)
    found = spread(unit, rules, machines)
    assert ids(tuple(c.machine for c in found.copies if c.machine)) == ids(fitting(rules, machines))


@pytest.mark.parametrize(
    ("rule", "bars"),
    [
        ("Conflicts=carousel-*@*.service", True),
        ("Conflicts=carousel*", True),
        ("Conflicts=*", True),
        ("Conflicts=carousel-???????.???????@1.service", True),
        ("Conflicts=web-*@*.service", False),
        ("Conflicts=carousel-v1@*.service", False),
        ("Conflicts=carousel-[a-z]*", False),
        ("Conflicts=*r*l*-*.*@*.s*e", True),
        ("Conflicts=" + "*e" * 60 + "*!", False),
        ("Conflicts=" + "*" * 60, True),
        ("MachineMetadata=zone=z1", False),
    ],
)
def test_conflicts_that_name_every_release_of_the_service_bar_the_next_one(rule: str, bars: bool) -> None:
    assert bars_its_successor(file(rule)) is bars
