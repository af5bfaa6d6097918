"""Intents as requests."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from deployster_cli.backends.remote.payloads import Wish, wish_of
from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.units.model import OnFailure, Order
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import InvalidInput

HOW = {"timeout": 300.0, "settle": 3.0, "order": "start-first", "on_failure": "rollback", "lock_wait": 0.0}


def test_a_deploy_says_what_was_given_and_leaves_the_rest_to_the_server() -> None:
    assert wish_of(Change(Verb.DEPLOY, "carousel", "v1"), "alice@ci") == Wish(
        "POST", "/v1/services/carousel/deploys", {"deploy": {"version": "v1", **HOW, "by": "alice@ci"}}
    )


def test_a_deploy_with_everything() -> None:
    intent = Change(
        Verb.DEPLOY,
        "carousel",
        "v1",
        instances=3,
        destroy_previous=True,
        batch=2,
        recreate=True,
        before=("rake db:migrate",),
        template="process",
        sets=("port=1", "a=b=c"),
        envs=("TOKEN=x", "TOKEN=y"),
        policy=Policy(1.5, 60.0, Order.STOP_FIRST, OnFailure.KEEP),
        lock_wait=9.0,
    )
    wish = wish_of(intent, "alice@ci", dry_run=True)
    assert wish.body == {
        "deploy": {
            "version": "v1",
            "instance_count": 3,
            "destroy_previous": True,
            "batch_size": 2,
            "recreate": True,
            "before": ["rake db:migrate"],
            "template": "process",
            "set": {"port": "1", "a": "b=c"},
            "env": {"TOKEN": "y"},
            "timeout": 60.0,
            "settle": 1.5,
            "order": "stop-first",
            "on_failure": "keep",
            "lock_wait": 9.0,
            "by": "alice@ci",
            "dry_run": True,
        }
    }


@pytest.mark.parametrize(
    ("intent", "path", "body"),
    [
        (Change(Verb.ROLLBACK, "carousel"), "rollback", {"rollback": {}}),
        (Change(Verb.ROLLBACK, "carousel", "v1"), "rollback", {"rollback": {"version": "v1"}}),
        (Change(Verb.SCALE, "carousel", instances=3), "scale", {"scale": {"instance_count": 3}}),
        (Change(Verb.RESTART, "carousel", as_now=True), "restart", {"restart": {"accept_changes": True}}),
    ],
)
def test_each_verb_has_its_path_and_its_fields(intent: Change, path: str, body: dict[str, dict[str, object]]) -> None:
    name = intent.verb.value
    expected = {name: {**body[name], **HOW, "by": "b"}}
    assert wish_of(intent, "b") == Wish("POST", f"/v1/services/carousel/{path}", expected)


@pytest.mark.parametrize(("only", "query"), [((), ""), ((1, 3), "instance=1&instance=3&")])
def test_a_destroy_says_it_all_in_its_address(only: tuple[int, ...], query: str) -> None:
    intent = Change(Verb.DESTROY, "carousel", "v1-2", only=only, policy=Policy(timeout=90), lock_wait=1.5)
    more = "timeout=90s&lock_wait=1.5s&by=alice%40ci"
    assert wish_of(intent, "alice@ci") == Wish("DELETE", f"/v1/services/carousel/deploys/v1-2?{query}{more}")


def test_a_list_is_set_once() -> None:
    with pytest.raises(InvalidInput, match="gives one key twice"):
        wish_of(Change(Verb.DEPLOY, "carousel", "v1", sets=("volumes=/a", "volumes=/b")), "b")


def test_a_value_without_a_name_is_refused_without_being_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        wish_of(Change(Verb.DEPLOY, "carousel", "v1", envs=("secret",)), "b")
    assert "secret" not in refused.value.message


def test_a_long_name_of_who_asks_is_cut() -> None:
    wish = wish_of(Change(Verb.RESTART, "carousel"), "x" * 200)
    assert wish.body
    assert len(wish.body["restart"]["by"]) == 100


NAMES = (UnitName("carousel", "v-1", 1), UnitName("carousel", "v1", 2, "2015.03.02-00.31.45"))


@pytest.mark.parametrize(
    ("only", "fields", "query"),
    [
        (None, {"adopt": True}, {"adopt": ["true"]}),
        (NAMES, {"adopt_only": [name.text for name in NAMES]}, {"adopt_only": [name.text for name in NAMES]}),
        ((), {}, {}),
    ],
)
def test_what_is_taken_over_goes_by_its_names_where_they_are_known(
    only: tuple[UnitName, ...] | None, fields: dict[str, object], query: dict[str, object]
) -> None:
    intent = Change(Verb.DEPLOY, "carousel", "v2", destroy_previous=True, adopt=True, adopt_only=only)
    body = wish_of(intent, "b").body or {}
    assert {name: value for name, value in body["deploy"].items() if "adopt" in name} == fields
    path = wish_of(replace(intent, verb=Verb.DESTROY), "b").path
    assert {name: value for name, value in parse_qs(path.partition("?")[2]).items() if "adopt" in name} == query
