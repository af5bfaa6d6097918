"""Which machine gets which unit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.change import Policy
from deployster_cli.domain.rollout.placing import Placed, Resident, Unplaceable, place
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.units.model import Machine, Order
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile

MACHINES = tuple(Machine(name, metadata={"name": name, "zone": f"z{name[1]}"}) for name in ("m1", "m2", "m3"))


def unit(version: str, instance: int, *rules: str, service: str = "web", port: int | None = None) -> UnitFile:
    name = UnitName(service, version, instance)
    options = tuple(("X-Fleet", *rule.split("=", 1)) for rule in rules)
    file = UnitFile(name, (("Service", "ExecStart", "/bin/true"), *options))  # type: ignore[arg-type]
    return file.stamped(Stamp(service, version, instance, "2026-01-01T00:00:00Z", "me", "process", port=port))


def plan(*files: UnitFile, retire: tuple[UnitName, ...] = (), order: Order = Order.START_FIRST, batch: int = 9) -> Plan:
    names = [file.name for file in files]
    steps = [
        Step(start=tuple(names[at : at + batch]), retire=tuple(retire[at : at + batch]))
        for at in range(0, max(len(names), len(retire)), batch)
    ]
    return Plan("web", "v2", tuple(steps), policy=Policy(order=order))


def placed(plan: Plan, files: list[UnitFile], there: list[Resident]) -> dict[int, str]:
    found: Placed = place(plan, {file.name: file for file in files}, there, MACHINES)
    return {name.instance: " ".join(machine.id for machine in machines) for name, machines in found.items()}


def on(machine: str, *files: UnitFile) -> list[Resident]:
    return [Resident(file, machine, file.stamp.port if file.stamp else None) for file in files]


def test_the_emptiest_comes_first_then_the_order_of_the_list() -> None:
    new = [unit("v2", number) for number in range(1, 6)]
    assert placed(plan(*new), new, []) == {1: "m1", 2: "m2", 3: "m3", 4: "m1", 5: "m2"}
    assert placed(plan(*new[:2]), new, on("m1", unit("v1", 1))) == {1: "m2", 2: "m3"}


def test_instances_of_the_service_count_before_all_others() -> None:
    there = [*on("m1", unit("v1", 9)), *on("m2", *(unit("v1", number, service="db") for number in range(4)))]
    new = [unit("v2", 1), unit("v2", 2)]
    assert placed(plan(*new), new, there) == {1: "m3", 2: "m2"}


def test_what_is_retired_makes_room() -> None:
    old = unit("v1", 1)
    new = [unit("v2", 1)]
    there = [*on("m1", old), *on("m2", unit("v1", 1, service="db")), *on("m3", unit("v1", 2, service="db"))]
    assert placed(plan(*new, retire=(old.name,)), new, there) == {1: "m1"}


def test_rules_are_kept() -> None:
    new = [unit("v2", 1, "MachineMetadata=zone=z2"), unit("v2", 2, "MachineMetadata=zone=z2")]
    assert placed(plan(*new), new, []) == {1: "m2", 2: "m2"}


def test_a_global_unit_is_on_all_that_fit() -> None:
    new = [unit("v2", 1, "Global=true")]
    assert placed(plan(*new), new, []) == {1: "m1 m2 m3"}


def test_what_keeps_apart_is_apart_whoever_says_so() -> None:
    apart = "Conflicts=web-*@*.service"
    new = [unit("v2", 1, apart), unit("v2", 2, apart)]
    assert placed(plan(*new), new, []) == {1: "m1", 2: "m2"}
    said_there = on("m1", unit("v1", 1, "Conflicts=web-v2@*.service"))
    assert placed(plan(unit("v2", 1)), [unit("v2", 1)], said_there) == {1: "m2"}


def test_units_with_the_same_port_are_apart() -> None:
    new = [unit("v2", number, port=80) for number in (1, 2, 3)]
    assert placed(plan(*new), new, []) == {1: "m1", 2: "m2", 3: "m3"}
    four = [*new, unit("v2", 4, port=80)]
    with pytest.raises(Unplaceable) as refused:
        placed(plan(*four), four, [])
    assert (refused.value.file, refused.value.port) == (four[3], 80)
    with pytest.raises(Unplaceable) as nowhere:
        placed(plan(unit("v2", 1, "MachineMetadata=zone=z9", port=80)), [unit("v2", 1, "MachineMetadata=zone=z9")], [])
    assert nowhere.value.port is None


@pytest.mark.parametrize("order", Order)
def test_a_new_one_takes_the_place_of_an_old_one_once_that_has_gone(order: Order) -> None:
    old = [unit("v1", number, port=80) for number in (1, 2, 3)]
    new = [unit("v2", number, port=80) for number in (1, 2, 3)]
    there = [one for machine, file in zip(("m1", "m2", "m3"), old, strict=True) for one in on(machine, file)]
    wanted = plan(*new, retire=tuple(file.name for file in old), order=order, batch=1)
    if order is Order.STOP_FIRST:
        assert placed(wanted, new, there) == {1: "m1", 2: "m2", 3: "m3"}
    else:
        with pytest.raises(Unplaceable):
            placed(wanted, new, there)


def test_start_first_goes_round_where_one_machine_is_free() -> None:
    old = [unit("v1", number, port=80) for number in (1, 2)]
    new = [unit("v2", number, port=80) for number in (1, 2)]
    there = [*on("m1", old[0]), *on("m2", old[1])]
    wanted = plan(*new, retire=tuple(file.name for file in old), batch=1)
    assert placed(wanted, new, there) == {1: "m3", 2: "m1"}


@given(st.lists(st.integers(0, 2), max_size=12), st.integers(1, 12))
def test_no_machine_gets_two_more_than_another(there: list[int], count: int) -> None:
    residents = [Resident(unit("v1", at + 1), MACHINES[machine].id) for at, machine in enumerate(there)]
    new = [unit("v2", number + 1) for number in range(count)]
    found = placed(plan(*new), new, list(residents))
    before = [sum(one.machine == machine.id for one in residents) for machine in MACHINES]
    gained = [sum(at == machine.id for at in found.values()) for machine in MACHINES]
    after = [one + more for one, more in zip(before, gained, strict=True)]
    most = max((number for number, more in zip(after, gained, strict=True) if more), default=0)
    assert most <= min(after) + 1


def test_the_plan_alone_decides() -> None:
    new = [unit("v2", 1), unit("v2", 2)]
    first = place(plan(*new), {file.name: file for file in new}, [], MACHINES)
    again = place(replace(plan(*new)), {file.name: file for file in reversed(new)}, [], MACHINES)
    assert first == again
