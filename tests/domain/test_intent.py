"""Intents, as whoever waits for the lock is told of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.units.names import UnitName


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
