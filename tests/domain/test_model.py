"""A unit's many states become one word, and units become releases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.model import WORST_FIRST, Condition, Machine, Release, State, Unit, releases, worst_of
from deployster_cli.domain.units.names import UnitName

HERE = Machine("8dcea1bd8c304e1bbe2c25dce526109c", "10.0.0.1", {"zone": "z1"})


def unit(active: str = "", sub: str = "", *, instance: int = 1, version: str = "1", service: str = "carousel") -> Unit:
    """A unit that is wanted, launched and on a machine, in this state of systemd's."""
    name = UnitName(service, version, instance)
    return Unit(name, State.LAUNCHED, State.LAUNCHED, "loaded" if active else "", active, sub, HERE)


@pytest.mark.parametrize(
    ("active", "sub", "condition"),
    [
        ("", "", Condition.UNKNOWN),
        ("active", "running", Condition.RUNNING),
        ("reloading", "reload", Condition.RUNNING),
        ("active", "exited", Condition.COMPLETED),
        ("activating", "start-pre", Condition.STARTING),
        ("activating", "auto-restart", Condition.RESTARTING),
        ("activating", "auto-restart-queued", Condition.RESTARTING),
        ("deactivating", "stop", Condition.STOPPING),
        ("failed", "failed", Condition.FAILED),
        ("inactive", "dead", Condition.EXITED),
    ],
)
def test_a_wanted_unit_is_what_systemd_says(active: str, sub: str, condition: Condition) -> None:
    assert unit(active, sub).condition is condition


@pytest.mark.parametrize("load", ["error", "bad-setting", "not-found", "masked"])
def test_a_unit_that_systemd_can_not_load_has_failed(load: str) -> None:
    assert Unit(UnitName("a", "1", 1), State.LAUNCHED, State.LAUNCHED, load, "inactive").condition is Condition.FAILED


def test_a_unit_on_no_machine_waits() -> None:
    assert Unit(UnitName("a", "1", 1), State.LAUNCHED, State.INACTIVE).condition is Condition.WAITING


def test_a_dead_unit_that_was_not_launched_yet_is_starting() -> None:
    found = Unit(UnitName("a", "1", 1), State.LAUNCHED, State.LOADED, "loaded", "inactive", "dead", HERE)
    assert found.condition is Condition.STARTING


@pytest.mark.parametrize(
    ("active", "condition"),
    [
        ("", Condition.STOPPED),
        ("inactive", Condition.STOPPED),
        ("failed", Condition.STOPPED),
        ("active", Condition.STOPPING),
        ("deactivating", Condition.STOPPING),
    ],
)
def test_an_unwanted_unit_is_stopped_or_about_to_be(active: str, condition: Condition) -> None:
    assert Unit(UnitName("a", "1", 1), State.LOADED, State.LOADED, active=active).condition is condition


def test_a_unit_that_only_its_machine_still_lists_is_leaving() -> None:
    assert Unit(UnitName("a", "1", 1), None, None, "loaded", "active", "running", HERE).condition is Condition.REMOVING


@pytest.mark.parametrize(("active", "reported"), [("", False), ("inactive", True)])
def test_a_unit_is_reported_where_a_machine_gives_its_state(active: str, reported: bool) -> None:
    assert unit(active).reported is reported


@pytest.mark.parametrize(
    ("current", "active", "stopped"),
    [
        (State.LOADED, "inactive", True),
        (State.LOADED, "failed", True),
        (None, "", True),
        (State.LOADED, "deactivating", False),
        (State.LAUNCHED, "inactive", False),
    ],
)
def test_a_unit_is_stopped_once_nothing_of_it_is_left(current: State | None, active: str, stopped: bool) -> None:
    assert Unit(UnitName("a", "1", 1), State.LOADED, current, active=active).stopped is stopped


@pytest.mark.parametrize(
    ("machine", "label"),
    [
        (Machine("8dcea1bd8c30", "10.0.0.1", {"name": "m1"}), "m1"),
        (Machine("8dcea1bd8c30", "10.0.0.1"), "10.0.0.1"),
        (Machine("8dcea1bd8c30"), "8dcea1bd"),
    ],
)
def test_a_machine_is_shown_by_the_best_name_it_has(machine: Machine, label: str) -> None:
    assert machine.label == label


def test_units_are_gathered_into_releases_in_instance_order() -> None:
    ten, two, other = unit(instance=10), unit(instance=2), unit(version="2")
    assert releases((ten, other, two)) == (Release("carousel", "1", (two, ten)), Release("carousel", "2", (other,)))


def test_releases_can_be_one_services_only() -> None:
    assert [release.service for release in releases((unit(), unit(service="web")), "web")] == ["web"]


def test_a_releases_running_units_are_up() -> None:
    up, done, down = unit("active", "running"), unit("active", "exited"), unit("failed")
    assert Release("carousel", "1", (up, done, down)).running == (up, done)


def test_a_unit_that_was_placed_and_not_launched_yet_is_starting() -> None:
    placed = Unit(UnitName("carousel", "1", 1), State.LAUNCHED, State.LOADED, machine=HERE)
    assert placed.condition is Condition.STARTING


THERE = Machine("bf35490ded73387d062d0ac45672e720", "10.0.0.2")
GLOBAL = Unit(UnitName("carousel", "1", 1), State.LAUNCHED, everywhere=True)


def copy(active: str, machine: Machine = HERE, desired: State = State.LAUNCHED) -> Unit:
    """A global unit on one machine."""
    return GLOBAL._replace(desired=desired, load="loaded", active=active, sub="x", machine=machine)


@pytest.mark.parametrize("order", [1, -1])
def test_copies_together_are_as_well_as_the_worst_in_the_order_of_their_machines(order: int) -> None:
    unit = worst_of([copy("active", THERE), copy("activating", HERE)][::order])
    assert (unit.condition, unit.machine) == (Condition.STARTING, HERE)
    assert [each.machine for each in unit.placements] == [HERE, THERE]


def test_a_unit_without_copies_is_there_once() -> None:
    assert unit("active").placements == (unit("active"),)


def test_a_copy_that_is_dead_and_should_run_has_ended() -> None:
    assert copy("inactive").condition is Condition.EXITED


def test_copies_are_stopped_when_each_of_them_is() -> None:
    dead, running = copy("inactive", HERE, State.LOADED), copy("active", THERE, State.LOADED)
    assert [worst_of(of).stopped for of in ([dead, running], [dead, dead])] == [False, True]


@pytest.mark.parametrize(("desired", "stopped"), [(State.LAUNCHED, False), (State.LOADED, True), (None, True)])
def test_a_global_unit_that_no_machine_reports_may_still_start_while_it_is_wanted(
    desired: State | None, stopped: bool
) -> None:
    assert GLOBAL._replace(desired=desired).stopped is stopped


@given(st.permutations(list(Condition)))
def test_every_condition_has_its_place_among_the_worst(conditions: list[Condition]) -> None:
    assert sorted(conditions, key=WORST_FIRST.index) == list(WORST_FIRST)
