"""Values over the wire: everything reads back as it was, and nothing else reads."""

from __future__ import annotations

import dataclasses
import json
import typing
from enum import Enum
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain import events
from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.payloads import decode, decode_event, encode, encode_event, with_silent
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, OnFailure, Order, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import InvalidInput

NAME = UnitName("carousel", "9f-88", 2)
UNIT = Unit(NAME, State.LAUNCHED, None, "loaded", "active", "running", Machine("m1", "10.0.0.1", {"zone": "z1"}))

made = st.sampled_from(["", "2015.03.02-00.31.45"])
names = st.builds(UnitName, st.just("carousel"), st.sampled_from(["9f88701", "v1-2_x.y"]), st.integers(1, 999), made)
st.register_type_strategy(UnitName, names)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def over_the_wire(value: Any) -> Any:
    """What the other side gets: JSON text, read again."""
    return json.loads(json.dumps(value))


@given(st.one_of(*(st.from_type(kind) for kind in get_args(events.Event))))
def test_every_event_reads_back_as_it_was(event: events.Event) -> None:
    assert decode_event(over_the_wire(encode_event(event))) == event


texts = st.lists(st.text(), max_size=3).map(tuple)
changes = st.builds(
    Change,
    verb=st.sampled_from(Verb),
    service=st.just("carousel"),
    version=st.none() | st.just("v1"),
    instances=st.none() | st.integers(1, 1000),
    only=st.lists(st.integers(1, 999), max_size=3).map(tuple),
    destroy_previous=st.just(True),
    adopt=st.booleans(),
    adopt_only=st.none() | st.lists(names, max_size=2).map(tuple),
    batch=st.none() | st.integers(1, 1000),
    recreate=st.booleans(),
    before=texts,
    sets=texts,
    envs=texts,
    policy=st.from_type(Policy),
    by=st.text(),
)


@given(changes)
def test_every_change_reads_back_as_it_was(change: Change) -> None:
    assert decode(Change, over_the_wire(encode(change))) == change


def test_a_plan_reads_back_as_it_was() -> None:
    plan = Plan("carousel", "v1", (Step((NAME,), retire=(UnitName("carousel", "v0", 1),)),), policy=Policy(settle=0))
    assert decode(Plan, over_the_wire(encode(plan))) == plan


def test_an_event_says_its_kind_and_its_units_by_name() -> None:
    assert encode_event(events.Gone(NAME, 1.5)) == {
        "kind": "Gone",
        "name": r"carousel-9f\x2d88@2.service",
        "seconds": 1.5,
        "parked": False,
    }


def test_a_failure_carries_its_unit() -> None:
    told = events.Failed(events.Failure(Reason.FAILED, (NAME,), UNIT, "no"))
    assert decode_event(over_the_wire(encode_event(told))) == told


def test_what_a_peer_leaves_out_takes_its_default() -> None:
    assert decode(Change, {"verb": "restart", "service": "carousel"}) == Change(Verb.RESTART, "carousel")


@pytest.mark.parametrize(
    "json",
    [
        {"verb": "explode", "service": "carousel"},
        {"verb": "deploy"},
        {"verb": "deploy", "service": 1},
        {"verb": "deploy", "service": "carousel", "instances": True},
        {"verb": "deploy", "service": "carousel", "instances": "3"},
        {"verb": "deploy", "service": "carousel", "before": "rake"},
        {"verb": "deploy", "service": "carousel", "policy": []},
        {"verb": "deploy", "service": "carousel", "colour": "red"},
        ["deploy"],
        None,
    ],
)
def test_what_is_no_intent_is_refused(json: Any) -> None:
    with pytest.raises(InvalidInput):
        decode(Change, json)


@pytest.mark.parametrize(
    "json",
    [None, [], {}, {"kind": "Nothing"}, {"kind": "Gone", "name": "a b", "seconds": 1}, {"kind": "Gone", "name": "a"}],
)
def test_what_is_no_event_is_refused(json: Any) -> None:
    with pytest.raises(InvalidInput):
        decode_event(json)


def test_whole_seconds_are_seconds() -> None:
    assert decode_event({"kind": "EngineBack", "seconds": 3}) == events.EngineBack(3.0)


def test_what_is_nested_beyond_measure_is_refused() -> None:
    deep = encode(UNIT)
    for _ in range(10_000):
        deep = {**encode(UNIT), "copies": [deep]}
    with pytest.raises(InvalidInput, match="nested too deeply"):
        decode(Unit, deep)


# Words that another version of Deployster reads too: a server and its clients are seldom of one age

# New words are added here; none is changed, and none is taken away.
WORDS = {
    Reason: {
        "FAILED": "failed",
        "CRASH_LOOP": "keeps crashing",
        "UNHEALTHY": "not healthy",
        "DIED": "died",
        "ENDED": "ended",
        "GONE": "gone",
        "NO_MACHINE": "no machine fits",
        "NOT_YET": "not running in time",
        "NOT_GONE": "not gone in time",
        "NOT_RESTORED": "not running again in time",
        "REFUSED": "refused",
        "AWAY": "engine away",
        "LOST": "its machine does not answer",
        "REPLACED": "replaced",
    },
    State: {"INACTIVE": "inactive", "LOADED": "loaded", "LAUNCHED": "launched"},
    Order: {"START_FIRST": "start-first", "STOP_FIRST": "stop-first"},
    OnFailure: {"ROLLBACK": "rollback", "KEEP": "keep"},
    Verb: {verb: verb.lower() for verb in ("DEPLOY", "ROLLBACK", "SCALE", "RESTART", "DESTROY")},
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: str(kind.__name__))
def test_the_words_on_the_wire_stay(kind: type[Enum]) -> None:
    assert {member.name: encode(member) for member in kind} == WORDS[kind]
    assert [decode(kind, word) for word in WORDS[kind].values()] == list(kind)


def test_the_words_of_everything_that_goes_over_the_wire_are_held() -> None:
    assert words_in({*get_args(events.Event), Change, Plan}) <= set(WORDS)


def words_in(kinds: set[Any]) -> set[Any]:
    """Every kind of word in the fields of these, however deep."""
    waiting, seen = list(kinds), set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        waiting += typing.get_args(kind)
        if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
            waiting += typing.get_type_hints(kind).values()
    return {kind for kind in seen if isinstance(kind, type) and issubclass(kind, Enum)}


def test_a_listing_names_the_machines_that_do_not_answer_where_there_are_any() -> None:
    found = [{"machine": "m1", "why": "cut"}, {"machine": "m2", "why": "off"}]
    assert with_silent({"units": []}, {"m2": "off", "m1": "cut"}) == {"units": [], "silent": found}
    assert with_silent({"units": []}, {}) == {"units": []}
