"""What a deploy is refused for: before the engine is asked, and for units with one fixed port that could meet."""

from __future__ import annotations

import pytest

from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.units.model import Order, Service, State, Unit
from deployster_cli.domain.units.names import MOST_INSTANCES, UnitName
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.deploy import check_fixed_port, check_input
from tests.simulation import stamped


class Rendering:
    """A template that takes no port; it remembers for whom it was rendered."""

    takes_port = False
    service = Service("carousel")

    def __init__(self) -> None:
        self.of: list[tuple[UnitName, int | None]] = []

    def __call__(self, name: UnitName, stamp: Stamp) -> UnitFile:
        self.of.append((name, stamp.instances))
        return stamped(name)

    def shown(self, name: UnitName, stamp: Stamp) -> UnitFile:
        return self(name, stamp)


@pytest.mark.parametrize(("instances", "asked"), [(None, 1), (1, 1), (3, 3)])
def test_a_template_is_tried_with_the_first_instance_however_many_are_asked_for(
    instances: int | None, asked: int
) -> None:
    render, first = Rendering(), UnitName("carousel", "v1", 1)
    probe = check_input(Change(Verb.DEPLOY, "carousel", "v1", instances), render, "2026-01-02T03:04:05Z")  # type: ignore[arg-type]
    assert (probe.name, render.of) == (first, [(first, asked)])


def test_the_last_instance_must_have_a_name_too() -> None:
    render = Rendering()
    render.service = Service("carousel", instances=MOST_INSTANCES + 1)
    with pytest.raises(InvalidInput):
        check_input(Change(Verb.DEPLOY, "carousel", "v1"), render, "2026-01-02T03:04:05Z")  # type: ignore[arg-type]


@pytest.mark.parametrize("instances", [MOST_INSTANCES, MOST_INSTANCES + 1])
def test_the_number_that_is_asked_for_counts_before_the_services_own(instances: int) -> None:
    render = Rendering()
    render.service = Service("carousel", instances=instances)
    assert check_input(Change(Verb.DEPLOY, "carousel", "v1", 1), render, "2026-01-02T03:04:05Z")  # type: ignore[arg-type]


NEW, SECOND = UnitName("carousel", "v2", 1), UnitName("carousel", "v2", 2)
RUNS = Unit(UnitName("carousel", "v1", 1), State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running")
FIXED = Service("carousel", port=4000)


def meets(
    *units: Unit,
    service: Service = FIXED,
    is_local: bool = False,
    everywhere: bool = False,
    order: Order = Order.START_FIRST,
    plan: Plan | None = None,
) -> str:
    """What is said of units with one fixed port; empty where it is let go."""
    plan = plan or Plan("carousel", "v2", (Step((NEW,)),), policy=Policy(order=order))
    try:
        check_fixed_port(plan, service, units, is_local=is_local, everywhere=everywhere)
    except InvalidInput as error:
        return f"{error.message} {error.hint}"
    return ""


def test_one_that_runs_already_would_meet_the_next() -> None:
    assert meets(RUNS).startswith("carousel has port 4000 set, and 2 units of it could meet on one machine.")
    assert meets(RUNS, RUNS._replace(name=UnitName("carousel", "v1", 2))).startswith(
        "carousel has port 4000 set, and 3"
    )


@pytest.mark.parametrize(
    "unit",
    [
        RUNS._replace(name=UnitName("other", "v1", 1)),
        RUNS._replace(foreign=True),
        RUNS._replace(desired=State.INACTIVE, current=State.INACTIVE, load="", active="", sub=""),
        RUNS._replace(name=NEW),
    ],
    ids=["of another service", "of somebody else's", "stopped", "the very one"],
)
def test_what_holds_no_port_of_this_service_is_not_met(unit: Unit) -> None:
    assert meets(unit) == ""


def test_with_stop_first_only_the_new_ones_could_meet_each_other() -> None:
    two = Plan("carousel", "v2", (Step((NEW,), (SECOND,)),), policy=Policy(order=Order.STOP_FIRST))
    kept = Plan("carousel", "v2", (Step((NEW,)),), (SECOND,), policy=Policy(order=Order.STOP_FIRST))
    assert meets(RUNS, order=Order.STOP_FIRST) == ""
    assert [meets(plan=plan).split(", and ")[1][:7] for plan in (two, kept)] == ["2 units", "2 units"]


def test_where_nothing_is_started_nothing_is_met() -> None:
    assert meets(RUNS, plan=Plan("carousel", "v2", (Step(watch=(NEW, SECOND)),))) == ""


def test_conflicts_keep_them_apart_but_on_one_machine() -> None:
    apart = FIXED._replace(conflicts=True)
    assert meets(RUNS, service=apart) == ""
    assert meets(RUNS, service=apart, is_local=True) != ""


@pytest.mark.parametrize(
    ("is_local", "everywhere", "cure"),
    [
        (False, False, "with conflicts = true."),
        (True, False, "with --order stop-first and one instance."),
        (False, True, "with --order stop-first."),
        (True, True, "with --order stop-first."),
    ],
)
def test_what_would_help_is_said(is_local: bool, everywhere: bool, cure: str) -> None:
    assert meets(RUNS, is_local=is_local, everywhere=everywhere).endswith(cure)
