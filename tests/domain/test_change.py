"""Changes: how they are said to those who wait for the lock, and what can't be meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.units.names import LOCK, LONGEST_SERVICE, LONGEST_UNIT_NAME, RECORD, UnitName
from deployster_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("intent", "doing"),
    [
        (Change(Verb.DEPLOY, "carousel", "v2"), "deploying v2"),
        (Change(Verb.ROLLBACK, "carousel"), "rolling back"),
        (Change(Verb.SCALE, "carousel", instances=3), "scaling to 3"),
        (Change(Verb.RESTART, "carousel"), "restarting"),
        (Change(Verb.DESTROY, "carousel", "v1"), "destroying v1"),
    ],
)
def test_an_intent_says_what_it_does(intent: Change, doing: str) -> None:
    assert intent.doing == doing


@pytest.mark.parametrize("only", [(), (UnitName("carousel", "v1", 1),)])
def test_what_is_named_is_all_that_is_taken_over(only: tuple[UnitName, ...]) -> None:
    intent = Change(Verb.DESTROY, "carousel", "v1", adopt=True)
    assert (intent.adopts, replace(intent, adopt_only=only).adopts) == (True, only)


def test_the_lock_and_the_record_of_a_service_have_names_that_fit_too() -> None:
    longest = "a" * LONGEST_SERVICE
    assert Change(Verb.DEPLOY, longest, "1").service == longest
    assert len(f"{RECORD}{longest}.service") == LONGEST_UNIT_NAME
    assert len(LOCK) <= len(RECORD)
    with pytest.raises(InvalidInput, match="can't name a service: 229 characters at most"):
        Change(Verb.DEPLOY, f"{longest}a", "1")
