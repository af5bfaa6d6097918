"""An intent as a request to a server. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from deployster_cli.domain.intent import Intent, Verb
from deployster_cli.errors import InvalidInput

PATHS = {Verb.DEPLOY: "deploys", Verb.ROLLBACK: "rollback", Verb.SCALE: "scale", Verb.RESTART: "restart"}
"""Verb → where it is posted to, below the service."""

LONGEST_BY = 100
"""Characters of a name that a server takes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request: ``path`` begins behind the server's URL."""

    method: str
    path: str
    body: dict[str, Any] | None = None


def wish_of(intent: Intent, by: str, *, dry_run: bool = False) -> Wish:
    """What is asked of a server for ``intent``; ``by`` is who asks. Names have to be checked before."""
    if intent.verb is Verb.DESTROY:
        return Wish("DELETE", f"/v1/services/{intent.service}/deploys/{intent.version}?{_query(intent, by)}")
    fields = {**_fields(intent), "by": by[:LONGEST_BY], **({"dry_run": True} if dry_run else {})}
    return Wish("POST", f"/v1/services/{intent.service}/{PATHS[intent.verb]}", {intent.verb.value: fields})


def _fields(intent: Intent) -> dict[str, Any]:
    """How it is to be done; what was left open is left out, so that the server's own settings fill it."""
    policy = intent.policy
    given = {
        "version": intent.version,
        "instance_count": intent.instances,
        "destroy_previous": intent.destroy_previous,
        "adopt": intent.adopts is True,
        "adopt_only": _adopted(intent),
        "batch_size": intent.batch,
        "force": intent.force or intent.as_now,
        "before": list(intent.before),
        "template": intent.template,
        "set": _once(intent.sets),
        "env": pairs(intent.envs),
    }
    return {name: value for name, value in given.items() if value} | {
        "timeout": policy.timeout,
        "settle": policy.settle,
        "order": policy.order.value,
        "on_failure": policy.on_failure.value,
        "lock_wait": intent.lock_wait,
    }


def _adopted(intent: Intent) -> list[str]:
    return [name.text for name in intent.adopt_only or ()]


def _once(texts: Sequence[str]) -> dict[str, str]:
    """``--set`` as an object; InvalidInput for a key given twice, as only the server knows which settings are lists."""
    found = pairs(texts)
    if len(found) < len(texts):
        raise InvalidInput("--set gives one key twice; with --server write a list once, its items parted by commas.")
    return found


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """``K=V`` as an object, the last of a key counting."""
    for number, text in enumerate(texts, 1):
        if "=" not in text:
            raise InvalidInput(f"--set and --env take NAME=VALUE, and number {number} is none.")
    return dict(text.split("=", 1) for text in texts)


def _query(intent: Intent, by: str) -> str:
    """How a destroy is to be done: a DELETE has no body."""
    given = {
        "instance": intent.only,
        "timeout": f"{intent.policy.timeout:g}s",
        "lock_wait": f"{intent.lock_wait:g}s",
        "by": by[:LONGEST_BY],
        "adopt": "true" if intent.adopts is True else "",
        "adopt_only": _adopted(intent),
    }
    return urlencode({name: value for name, value in given.items() if value}, doseq=True)
