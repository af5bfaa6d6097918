"""Intents, as whoever waits for the lock is told of them."""

from __future__ import annotations

import pytest

from deployster_cli.domain.intent import Intent, Verb


@pytest.mark.parametrize(
    ("intent", "doing"),
    [
        (Intent(Verb.DEPLOY, "carousel", "v2"), "deploying v2"),
        (Intent(Verb.ROLLBACK, "carousel"), "rolling back"),
        (Intent(Verb.SCALE, "carousel", instances=3), "scaling to 3"),
        (Intent(Verb.RESTART, "carousel"), "restarting"),
        (Intent(Verb.DESTROY, "carousel", "v1"), "destroying v1"),
    ],
)
def test_an_intent_says_what_it_does(intent: Intent, doing: str) -> None:
    assert intent.doing == doing
