"""What a server answers, as values again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.backends.remote import payloads
from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed
from deployster_cli.domain import events
from deployster_cli.domain.payloads import encode, encode_event, plan_shape, unit_shape, with_silent
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.units.model import Machine, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.releases import Entry
from deployster_cli.operations.rollout import Result
from deployster_cli.views.results import unit_row_wide

words = st.text("abcdefgh", max_size=5)
made = st.sampled_from(["", "2015.03.02-00.31.45"])
names = st.builds(UnitName, st.just("carousel"), st.sampled_from(["9f88701", "v1-2_x.y"]), st.integers(1, 999), made)
machines = st.none() | st.builds(Machine, st.text("abcdef0123456789", min_size=1), st.sampled_from(["", "10.0.0.1"]))
units = st.builds(
    lambda name, load, active, sub, machine, port, foreign: Unit(
        name, None, None, load, active, sub, machine, port=port, foreign=foreign
    ),
    *(names, words, words, words, machines, st.none() | st.integers(), st.booleans()),
)
st.register_type_strategy(UnitName, names)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

PLAN = Plan("carousel", "v1", ())


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(units)
def test_a_unit_shows_as_it_did(unit: Unit) -> None:
    back = payloads.unit_of(over_the_wire(unit_shape(unit)))
    assert (unit_shape(back), unit_row_wide(back)) == (unit_shape(unit), unit_row_wide(unit))


@given(st.from_type(Plan))
def test_a_plan_reads_back_as_it_was(plan: Plan) -> None:
    assert payloads.plan_of(over_the_wire(plan_shape(plan))) == plan


def test_what_nobody_knows_of_a_release_is_empty() -> None:
    shape = {"version": "v1", "running": 0, "deployed_at": None, "deployed_by": None}
    assert payloads.entry_of(shape) == Entry("v1", 0)


def test_fields_of_a_newer_server_are_let_be() -> None:
    assert payloads.entry_of({"version": "v1", "running": 0, "colour": "red"}) == Entry("v1", 0)


@pytest.mark.parametrize(
    "json",
    [None, [], "v1", {}, {"unit": 1}, {"unit": "a b"}, {"unit": "carousel-v1@1.service", "port": "80"}],
)
def test_what_is_no_unit_is_said_to_be_unreadable(json: object) -> None:
    with pytest.raises(NotAServer, match="The server's answer can't be read"):
        payloads.unit_of(json)


@pytest.mark.parametrize("id", ["", "../../x", "a/b", "a?b", "a" * 200])
def test_a_job_whose_id_could_leave_its_path_is_none(id: str) -> None:  # noqa: A002
    with pytest.raises(NotAServer, match="is not a job"):
        payloads.job_of({"id": id, "state": "queued"})


def test_a_list_that_is_not_there_is_told_of() -> None:
    with pytest.raises(NotAServer, match="it has no list of units"):
        payloads.listed({"units": {}}, "units")


def test_a_job_that_is_done_gives_its_result() -> None:
    assert payloads.ended({"error": None, "result": {"plan": encode(PLAN), "seconds": 2}}) == Result(PLAN, 2.0)


def test_a_job_that_failed_raises_the_servers_words_and_exit_code() -> None:
    with pytest.raises(RemoteFailed) as failed:
        payloads.ended({"error": {"message": "No.", "hint": "Do this.", "exit_code": 5}})
    assert (failed.value.message, failed.value.hint, failed.value.exit_code) == ("No.", "Do this.", 5)


@pytest.mark.parametrize("code", [0, -1, 256])
def test_a_failure_never_exits_with_what_is_no_failure(code: int) -> None:
    with pytest.raises(RemoteFailed) as failed:
        payloads.ended({"error": {"message": "No.", "exit_code": code}})
    assert failed.value.exit_code == 1


def test_an_event_reads_back() -> None:
    told = events.EngineBack(3.0)
    assert payloads.event_of({"event": encode_event(told)}) == told


@pytest.mark.parametrize("event", [{"kind": "Rocket"}, {"kind": "EngineBack", "colour": "red"}, None, 1])
def test_an_event_of_another_version_is_skipped(event: object) -> None:
    assert payloads.event_of({"event": event}) is None


def test_the_machines_that_do_not_answer_read_back_as_they_were() -> None:
    silent = {"m2": "m2 is off."}
    assert payloads.silent_of(over_the_wire(with_silent({"units": []}, silent))) == silent
    assert payloads.silent_of({"units": []}) == {}
    with pytest.raises(NotAServer):
        payloads.silent_of({"silent": [{"machine": 3}]})
