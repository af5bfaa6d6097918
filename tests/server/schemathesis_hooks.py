"""What the OpenAPI document has no words for, told to schemathesis."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import schemathesis

from deployster_cli.domain.durations import parse_duration
from deployster_cli.errors import InvalidInput


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A key for idempotency is used once, and no stream is followed without end."""
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = uuid4().hex
    if case.query and str(case.query.get("follow")).lower() == "true":
        case.query["follow"] = "false"
    given = next(iter(case.body.values()), None) if isinstance(case.body, dict) else None
    if isinstance(given, dict):
        _make_renderable(given)
        _make_settle_shorter(given)


def _make_renderable(given: dict[str, Any]) -> None:
    """No template but those there are, no value it doesn't use, and commands that fit into a unit file."""
    if isinstance(given.get("set"), dict) and all(isinstance(value, str) for value in given["set"].values()):
        given["set"] = {}
    if isinstance(given.get("template"), str):
        given["template"] = ""
    if isinstance(given.get("command"), str):
        given["command"] = _line(given["command"])
    if isinstance(given.get("before"), list):
        given["before"] = [_line(word) if isinstance(word, str) else word for word in given["before"]]


def _line(word: str) -> str:
    return "".join(char for char in word if char.isprintable())[:200] or word


def _make_settle_shorter(given: dict[str, Any]) -> None:
    """Than timeout, where it isn't: no schema can compare two fields."""
    settle, timeout = (_seconds(given.get(name, default)) for name, default in (("settle", "3s"), ("timeout", "5m")))
    if settle is not None and timeout is not None and settle >= timeout:
        given["settle"], given["timeout"] = "3s", "5m"


def _seconds(value: object) -> float | None:
    try:
        return parse_duration(str(value))
    except InvalidInput:
        return None
