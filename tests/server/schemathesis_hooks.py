"""What the OpenAPI document has no words for, told to schemathesis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import schemathesis

from deployster_cli.domain.durations import parse_duration
from deployster_cli.errors import InvalidInput

# Bytes of a value: written into a unit file it may take four times as much, and a line has an end there.
LONGEST = 400


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """A key for idempotency is used once."""
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = uuid4().hex
    return case


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Whether one field fits the others, and the values fit into a unit file."""
    given = next(iter(case.body.values()), None) if isinstance(case.body, dict) else None
    return not isinstance(given, dict) or all(check(given) for check in (_renders, _settles, _adopts, _fits))


def _renders(given: dict[str, Any]) -> bool:
    """What a template makes of the values, and what it wants of the service's own, is not said by the document."""
    return not given.get("set") and given.get("template") != "process"


def _settles(given: dict[str, Any]) -> bool:
    """No schema can compare two fields: settle is shorter than timeout."""
    settle, timeout = (_seconds(given.get(name, default)) for name, default in (("settle", "3s"), ("timeout", "5m")))
    return settle is None or timeout is None or settle < timeout


def _adopts(given: dict[str, Any]) -> bool:
    """Nor can one say that a deploy adopts only what it is to retire."""
    return not (given.get("adopt") or given.get("adopt_only")) or bool(given.get("destroy_previous"))


def _seconds(value: object) -> float | None:
    try:
        return parse_duration(value if isinstance(value, str) else f"{value:f}")
    except (InvalidInput, TypeError, ValueError):
        return None


def _fits(given: dict[str, Any]) -> bool:
    return all(len(text.encode(errors="replace")) <= LONGEST for text in _texts(given))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (str(name), *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
