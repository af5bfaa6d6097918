"""How many instances a change means: the order in which it is decided, what it was before, and what no verb may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.change import Verb
from deployster_cli.domain.record import Record
from deployster_cli.domain.rollout.instances import decide
from deployster_cli.domain.rollout.plan import Instances
from deployster_cli.domain.units.model import Condition, Machine, Release, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp
from tests.domain.driving import Wish

HOST = Machine("m1", "10.0.0.1")
UP = (State.LAUNCHED, State.LAUNCHED, "loaded", "active", "running")
LOOPING = (State.LAUNCHED, State.LAUNCHED, "loaded", "activating", "auto-restart")
FAILED = (State.LAUNCHED, State.LAUNCHED, "loaded", "failed", "failed")
SILENT = (State.LAUNCHED, State.LAUNCHED, "", "", "")
WAITING = (State.LAUNCHED, State.INACTIVE, "", "", "")
STOPPED = (State.LOADED, State.LOADED, "loaded", "inactive", "dead")
LEAVING = (None, None, "loaded", "active", "running")
STATES = (UP, LOOPING, FAILED, SILENT, WAITING, STOPPED, LEAVING)

How = tuple[State | None, State | None, str, str, str]


def release(version: str, *states: How) -> Release:
    units = (Unit(UnitName("carousel", version, n), *how, HOST) for n, how in enumerate(states, 1))
    return Release("carousel", version, tuple(units))


def stamp(version: str, day: int, instances: int | None = None) -> Stamp:
    at = f"2026-01-{day:02}T00:00:00Z"
    return Stamp("carousel", version, 1, at, "ann@laptop", "docker", instances=instances)


def record(version: str, day: int, instances: int, verb: Verb = Verb.SCALE) -> Record:
    return Record("carousel", version, instances, verb.value, "ann@laptop", f"2026-01-{day:02}T00:00:00Z")


def decided(
    wish: Wish, *found: Release, stamps: Sequence[Stamp] = (), recorded: Record | None = None
) -> tuple[int, str, int | None]:
    by_version = {stamp.version: stamp for stamp in stamps}
    if recorded and recorded.version in by_version:
        by_version[recorded.version] = replace(by_version[recorded.version], instances=recorded.instances)
    size = decide(wish.change, wish.setting, found, by_version, recorded)
    return size.number, size.reason, size.before


NEXT = Wish(Verb.DEPLOY, "v2", retires=True)
THREE = release("v1", UP, UP, UP)
AS_BY_DEPLOY = "as asked for by the last deploy (v1)"


@pytest.mark.parametrize("verb", Verb)
def test_a_number_that_is_named_now_wins_over_everything(verb: Verb) -> None:
    wish = Wish(verb, "v1", asked=2, setting=4, retires=True)
    name = "scale" if verb is Verb.SCALE else "--instances"
    assert decided(wish, THREE, stamps=[stamp("v1", 1, 3)]) == (2, name, 3)


@pytest.mark.parametrize("verb", [Verb.DEPLOY, Verb.RESTART])
def test_then_the_setting(verb: Verb) -> None:
    wish = Wish(verb, "v1", setting=2, retires=True)
    assert decided(wish, THREE, stamps=[stamp("v1", 1, 3)]) == (2, "deployster.toml", 3)


def test_a_setting_says_where_it_is_from() -> None:
    assert decided(Wish(Verb.DEPLOY, "v2", setting=2, sets=("instances=2",)))[1] == "--set instances"


@pytest.mark.parametrize("verb", [Verb.DEPLOY, Verb.RESTART])
def test_then_what_the_last_deploy_asked_for_whatever_is_up(verb: Verb) -> None:
    wish = Wish(verb, "v1", retires=True)
    down = release("v1", UP, FAILED)
    assert decided(wish, down, stamps=[stamp("v1", 1, 3)]) == (3, AS_BY_DEPLOY, 3)


def test_a_scale_outlives_the_stamps() -> None:
    found = decided(NEXT, release("v1", UP), stamps=[stamp("v1", 1, 5)], recorded=record("v1", 2, 2))
    assert found == (2, "as scaled", 2)


def test_a_rollback_that_started_nothing_does_too() -> None:
    last = record("v1", 2, 2, Verb.ROLLBACK)
    assert decided(NEXT, release("v1", UP), stamps=[stamp("v1", 1, 5)], recorded=last) == (
        2,
        "as asked for by the last rollback (v1)",
        2,
    )


def test_a_deploy_since_then_is_later() -> None:
    found = decided(
        Wish(Verb.DEPLOY, "v3"),
        *(release("v1", UP, UP), release("v2", UP)),
        stamps=[stamp("v1", 1, 5), stamp("v2", 3, 1)],
        recorded=record("v1", 2, 2),
    )
    assert found == (1, "as asked for by the last deploy (v2)", 1)


def test_a_record_that_is_later_than_every_stamp_is_what_was_asked_for_last() -> None:
    """A rollback between two that ran side by side was cut short: the newer one is still there."""
    found = decided(
        Wish(Verb.ROLLBACK, "v1", retires=True),
        *(release("v1", UP, UP, UP), release("v2", UP)),
        stamps=[stamp("v1", 1, 3), stamp("v2", 2, 1)],
        recorded=record("v1", 3, 3, Verb.ROLLBACK),
    )
    assert found == (3, "as asked for by the last rollback (v1)", 3)


def test_a_record_of_a_release_that_is_gone_says_nothing() -> None:
    found = decided(NEXT, release("v1", UP, UP), stamps=[stamp("v1", 1, 2)], recorded=record("v9", 3, 7))
    assert found == (2, AS_BY_DEPLOY, 2)


def test_stamps_of_releases_that_are_gone_say_nothing() -> None:
    assert decided(NEXT, release("v1", UP), stamps=[stamp("v1", 1, 2), stamp("v9", 2, 7)])[0] == 2


@pytest.mark.parametrize("how", [UP, LOOPING, FAILED, SILENT, WAITING])
def test_then_what_is_wanted_to_run_of_the_newest_up_or_not(how: How) -> None:
    found = decided(NEXT, release("v1", how, how, STOPPED, LEAVING), release("v0", UP), stamps=[stamp("v1", 1)])
    assert found == (2, "as many as there are", 2)


@pytest.mark.parametrize("found", [(), (release("v1", STOPPED),), (release("v1", LEAVING, LEAVING),)])
def test_then_one(found: tuple[Release, ...]) -> None:
    assert decided(NEXT, *found) == (1, "one, as nothing says otherwise", None)


BACK = Wish(Verb.ROLLBACK, "v0", retires=True)


@pytest.mark.parametrize("how", [UP, SILENT])
@pytest.mark.parametrize("setting", [None, 1])
def test_a_rollback_takes_no_instance_from_its_target(setting: int | None, how: How) -> None:
    there = release("v0", UP, how, how, FAILED), release("v1", UP)
    stamps = [stamp("v0", 1, 4), stamp("v1", 2, 1)]
    assert decided(BACK._replace(setting=setting), *there, stamps=stamps) == (4, "v0 has 4", 1)


def test_a_rollback_with_a_number_takes_what_it_names() -> None:
    there = release("v0", UP, UP, UP), release("v1", UP)
    assert decided(BACK._replace(asked=1), *there, stamps=[stamp("v1", 2, 1)]) == (1, "--instances", 3)


def test_a_rollback_to_less_brings_up_what_was_asked_for() -> None:
    there = release("v0", UP), release("v1", UP, UP)
    assert decided(BACK, *there, stamps=[stamp("v1", 2, 2)]) == (2, AS_BY_DEPLOY, 2)


def test_only_a_rollback_looks_at_its_target() -> None:
    there = release("v0", UP, UP, UP), release("v1", UP)
    assert decided(BACK._replace(verb=Verb.DEPLOY), *there, stamps=[stamp("v1", 2, 1)])[0] == 1


def test_more_that_are_there_than_were_asked_for_are_told_of_when_they_go() -> None:
    side = release("v0", UP, UP, UP), release("v1", UP)
    assert decided(NEXT, *side, stamps=[stamp("v1", 2, 1)]) == (1, AS_BY_DEPLOY, 3)
    assert decided(NEXT._replace(retires=False), *side, stamps=[stamp("v1", 2, 1)]) == (1, AS_BY_DEPLOY, 1)
    assert decided(Wish(Verb.RESTART, "v1"), release("v1", UP, UP), stamps=[stamp("v1", 2, 1)])[2] == 2


@pytest.mark.parametrize("last", [1, 3])
def test_more_that_go_than_come_are_told_of_whatever_was_asked_for_before(last: int) -> None:
    there = release("v1", UP, UP, UP, UP)
    assert decided(NEXT._replace(asked=2), there, stamps=[stamp("v1", 1, last)]) == (2, "--instances", 4)


@pytest.mark.parametrize(("before", "changed"), [(None, False), (3, False), (2, True), (4, True)])
def test_only_another_number_than_before_is_a_change(before: int | None, changed: bool) -> None:
    assert Instances(3, "", before).changed is changed


services = st.dictionaries(
    st.sampled_from(["v0", "v1", "v2"]),
    st.tuples(st.lists(st.sampled_from(STATES), min_size=1, max_size=5), st.none() | st.integers(1, 6)),
)


def cluster(drawn: Mapping[str, tuple[list[How], int | None]], days: list[int]) -> tuple[list[Release], list[Stamp]]:
    found = [release(version, *states) for version, (states, _) in drawn.items()]
    ordered = zip(drawn.items(), days, strict=False)
    return found, [stamp(version, day, asked) for (version, (_, asked)), day in ordered]


@given(services, st.permutations([1, 2, 3]), st.sampled_from(Verb), st.sampled_from(["v0", "v1", "v2", "v3"]))
def test_no_verb_reduces_the_number_unasked(
    drawn: Mapping[str, tuple[list[How], int | None]], days: list[int], verb: Verb, version: str
) -> None:
    """Without a number, a setting and a record: never below what the newest was after, be it up or not."""
    found, stamps = cluster(drawn, days)
    number, _, before = decided(Wish(verb, version, retires=True), *found, stamps=stamps)
    newest = max(stamps, key=lambda each: each.deployed_at, default=None)
    there = next((each for each in found if newest and each.version == newest.version), None)
    asked = (newest and newest.instances) or (there.wanted if there else 0)
    assert number >= max(1, asked)
    if verb is Verb.ROLLBACK:
        assert number >= sum(u.condition in {Condition.RUNNING, Condition.UNKNOWN} for u in units(found, version))
    if before is not None and number < before:
        # More were there than anybody asked for. A rollback's target may have had more than was asked for, too.
        assert number == max(1, asked) or verb is Verb.ROLLBACK


def units(found: list[Release], version: str) -> list[Unit]:
    return [unit for each in found if each.version == version for unit in each.units]
