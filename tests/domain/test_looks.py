"""What a rollout makes of one look: what is news, and that a unit got further lets the time limit begin anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from deployster_cli.domain.rollout.looks import looked, notice, progressed
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.state import Phase, Rollout, enter
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from tests.simulation import HOST

NAME = UnitName("carousel", "v1", 1)


def listed(desired: State | None, active: str) -> Unit:
    current = desired if desired is State.LAUNCHED and active else State.LOADED
    return Unit(NAME, desired, current, "loaded" if active else "", active, "", HOST if active else None)


UP: dict[str, Unit | None] = {
    "not listed": None,
    "on no machine": listed(State.LAUNCHED, ""),
    "starting": listed(State.LAUNCHED, "activating"),
    "running": listed(State.LAUNCHED, "active"),
    "ready": listed(State.LAUNCHED, "active"),
}
GOING: dict[str, Unit | None] = {
    "running": listed(State.LAUNCHED, "active"),
    "stopping": listed(State.LOADED, "deactivating"),
    "stopped": listed(State.LOADED, "inactive"),
    "destroyed": listed(None, "inactive"),
    "gone": None,
}
WAYS = [(Phase.STARTING, UP), (Phase.RETIRING, GOING)]


def begun(phase: Phase) -> Rollout:
    step = Step((NAME,)) if phase is Phase.STARTING else Step(retire=(NAME,))
    return enter(Rollout(Plan("carousel", "v1", (step,)), step=0), phase, 0)[0]


def seen(rollout: Rollout, way: dict[str, Unit | None], at: str, now: float) -> Rollout:
    """After a look at which the unit has come so far on its way; the last part of it is where it is finished."""
    finished = frozenset({NAME} if at == list(way)[-1] else ())
    unit = way[at]
    return progressed(replace(rollout, finished=finished), {NAME: unit} if unit else {}, now)


@pytest.mark.parametrize(
    ("phase", "way", "before", "after"),
    [(phase, way, *pair) for phase, way in WAYS for pair in pairwise(way)],
)
def test_each_part_of_its_way_that_a_unit_gets_further_is_progress_and_none_that_it_falls_back(
    phase: Phase, way: dict[str, Unit | None], before: str, after: str
) -> None:
    start = begun(phase)
    assert seen(seen(start, way, before, 1), way, after, 2).progressed == 2
    assert seen(seen(start, way, after, 1), way, before, 2).progressed == 1
    assert seen(seen(seen(start, way, after, 1), way, before, 2), way, after, 3).progressed == 1


@pytest.mark.parametrize(("phase", "way"), WAYS)
def test_that_a_unit_is_still_where_its_way_begins_is_no_progress(phase: Phase, way: dict[str, Unit | None]) -> None:
    assert seen(begun(phase), way, next(iter(way)), 1).progressed == 0


def test_a_machine_whose_address_becomes_known_is_no_news() -> None:
    running = listed(State.LAUNCHED, "active")
    first, told = notice(begun(Phase.STARTING), {NAME: running._replace(machine=Machine("m1"))}, 1)
    _, told_again = notice(first, {NAME: running._replace(machine=Machine("m1", "10.0.0.1"))}, 2)
    _, elsewhere = notice(first, {NAME: running._replace(machine=Machine("m2", "10.0.0.1"))}, 2)
    assert [len(told), len(told_again), len(elsewhere)] == [1, 0, 1]


def test_that_a_unit_is_on_another_machine_is_news_each_time() -> None:
    running, rollout, news = listed(State.LAUNCHED, "active"), begun(Phase.STARTING), list[int]()
    for machine in ("m1", "m2", "m1", "m1"):
        rollout, told = notice(rollout, {NAME: running._replace(machine=Machine(machine))}, 1)
        news.append(len(told))
    assert news == [1, 1, 1, 0]


def test_what_systemd_is_at_is_news_only_while_a_unit_starts() -> None:
    news, rollout = list[int](), begun(Phase.STARTING)
    for active, sub in (
        ("activating", "start-pre"),
        ("activating", "start"),
        ("active", "running"),
        ("active", "gone"),
    ):
        rollout, told = notice(rollout, {NAME: listed(State.LAUNCHED, active)._replace(sub=sub)}, 1)
        news.append(len(told))
    assert news == [1, 1, 1, 0]


def test_nothing_of_a_unit_that_is_ready_is_news() -> None:
    ready = replace(begun(Phase.STARTING), finished=frozenset({NAME}))
    followed, told = notice(ready, {NAME: listed(State.LAUNCHED, "active")}, 1)
    assert (told, followed.tracks[NAME].up_since) == ((), 1)


@pytest.mark.parametrize(("active", "news"), [("active", 0), ("activating", 1)])
def test_what_is_kept_is_news_only_where_it_is_not_up(active: str, news: int) -> None:
    plan = Plan("carousel", "v1", (Step((UnitName("carousel", "v1", 2),)),), keep=(NAME,))
    start = enter(Rollout(plan, step=0), Phase.STARTING, 0)[0]
    unit = listed(State.LAUNCHED, active)._replace(sub="auto-restart" if active == "activating" else "running")
    assert len(notice(start, {NAME: unit}, 1)[1]) == news


@pytest.mark.parametrize(("gap", "progressed"), [(60, 5), (60.5, 50.5)])
def test_after_over_a_minute_without_a_look_all_but_15_seconds_of_it_count_for_nothing(
    gap: float, progressed: float
) -> None:
    before = replace(begun(Phase.STARTING), looked=7, progressed=5)
    after = looked(before, 7 + gap)
    assert (after.looked, after.progressed) == (7 + gap, progressed)
