"""JSON from the other side: exactly what was meant, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
from httpx_sse import EventSource

from deployster_cli.backends.remote import payloads
from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed, refused
from deployster_cli.backends.remote.events import _HEADER, _journal_line, _json, lines
from deployster_cli.backends.remote.events import STREAM as EVENT_STREAM
from deployster_cli.backends.remote.login import Login
from deployster_cli.domain import events
from deployster_cli.domain.change import Change, TaskRequest, Verb
from deployster_cli.domain.lock import Note
from deployster_cli.domain.payloads import decode, decode_event, encode, encode_event
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import DeploysterError, InvalidInput
from deployster_cli.operations.rollout import Result
from tests.fuzz.target import Target, read

NAME = UnitName("carousel", "9f-88", 2)
UNIT = Unit(NAME, State.LAUNCHED, None, "loaded", "active", "running", Machine("m1", "10.0.0.1", {"zone": "z1"}))
NOTE = Note("carousel", "ada", "laptop", "boot/pid:[1]", 4711, "ab" * 8, 1_767_323_045, 42)


def wire(data: bytes) -> bool:
    """JSON as each of the values that go over the wire or into a server's records."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return False
    taken = [_event(given), *(_value(kind, given) for kind in (Change, Plan, TaskRequest, Note, Unit, Result))]
    return any(taken)


def _event(given: Any) -> bool:
    event = read(lambda: decode_event(given), InvalidInput)
    if event is None:
        return False
    assert _within(given, encode_event(event))
    assert decode_event(json.loads(json.dumps(encode_event(event)))) == event
    return True


def _value(kind: type, given: Any) -> bool:
    value = read(lambda: decode(kind, given), InvalidInput)
    if value is None:
        return False
    assert _within(given, encode(value))
    assert decode(kind, json.loads(json.dumps(encode(value)))) == value
    return True


def _within(given: Any, whole: Any) -> bool:
    """Whether all that was given is there, unchanged; what was left out has been filled in."""
    if isinstance(given, dict):
        assert isinstance(whole, Mapping)
        return all(_within(value, whole[name]) for name, value in given.items())
    if isinstance(given, list):
        return len(given) == len(whole) and all(map(_within, given, whole))
    assert type(given) is type(whole) or (type(given), type(whole)) == (int, float)
    return bool(given == whole)


def stream(data: bytes) -> bool:
    """Server-sent events, in whatever pieces they come; and what each tells of a job."""
    size = 1 + len(data) % 5
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    whole, parts = list(lines([data])), list(lines(pieces))
    assert whole == parts
    assert len(whole) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    response = httpx.Response(200, headers={"content-type": EVENT_STREAM}, content=iter(pieces))
    found = list(EventSource(response).iter_sse())
    for told in found:
        assert not _HEADER.fullmatch(told.id) or httpx.Headers({"Last-Event-ID": told.id})
        payloads.event_of(_json(told.data))
        read(partial(payloads.ended, _json(told.data)), RemoteFailed, NotAServer)
    return bool(found)


def server(data: bytes) -> bool:
    """Any answer of a server: as a value, as a line of a journal, and as a refusal of every kind."""
    for status in (400, 401, 403, 404, 422, 500, 503):
        headers = {"content-type": "application/problem+json", "retry-after": "7"}
        error = refused("http://a", httpx.Response(status, headers=headers), data, Login("a", "b", "c"))
        assert isinstance(error, DeploysterError)
        assert 0 < error.exit_code < 1 << 8
    text = data.decode(errors="replace")
    line = read(lambda: _journal_line(text), NotAServer)
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return line is not None
    taken = [read(partial(kind, given), NotAServer, RemoteFailed) for kind in _READERS]
    unit = taken[0]
    assert unit is None or given["unit"] == unit.name.text
    return any(one is not None for one in (line, *taken))


_READERS: tuple[Callable[[Any], Any], ...] = (
    payloads.unit_of,
    payloads.entry_of,
    payloads.plan_of,
    payloads.job_of,
    payloads.ended,
    lambda given: payloads.listed(given, "units"),
)


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


PLAN = Plan("carousel", "v1", (Step((NAME,), retire=(UnitName("carousel", "v0", 1),)),))
EVENTS = (
    events.Gone(NAME, 1.5),
    events.Failed(events.Failure(Reason.FAILED, (NAME,), UNIT, "no")),
    events.Changed(UNIT, 2.0),
    events.Journal(NAME, ("one", "two")),
)
SEEDS = (
    *(_dumped(encode_event(event)) for event in EVENTS),
    *map(_dumped, map(encode, (Change(Verb.DEPLOY, "carousel", "v1", sets=("a=b",)), PLAN, UNIT, NOTE))),
)
WORDS = (
    *(
        b'"kind":',
        b'"name":',
        b'"seconds":',
        b'"copies":[',
        b'"unit":',
        b'"policy":',
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
    ),
    *(
        b"9" * 30,
        b"1.0",
        b"[]",
        b"{}",
        b'"\\ud800"',
        b'"carousel-9f88701@1.service"',
        b'"deploy"',
        b"[" * 40,
        b'"verb":',
        b'"Gone"',
    ),
)
WIRE = Target(wire, SEEDS, WORDS)

_EVENT = b"id: 1\nevent: progress\ndata: " + _dumped({"event": encode_event(EVENTS[0])}) + b"\n\n"
_END = b'id: 2\nevent: end\ndata: {"result": {"service": "carousel", "version": "v1", "retired": [], "seconds": 1}}\n\n'
STREAM = Target(
    stream,
    (_EVENT + b": a comment\n\n" + _END, _EVENT.replace(b"\n", b"\r\n"), b"data: {}\n\n"),
    (
        *WORDS,
        b"data: ",
        b"event: end\n",
        b"id: ",
        b"\n\n",
        b"\r\n",
        b"\r",
        b"\xe2\x80\xa8",
        b"\x85",
        b"\x00",
        b"\xff",
        b":",
    ),
)
_UNIT = {"unit": NAME.text, "current_state": "launched", "machine_id": "m1", "port": 1, "active": "active"}
_LINE = {"unit": NAME.text, "at": "2026-01-02T03:04:05.000001+00:00", "line": "hello"}
SERVER = Target(
    server,
    (
        *map(_dumped, (_UNIT, _LINE, {"note": "a"}, {"id": "a1", "state": "done"}, {"version": "v1", "running": 1})),
        *map(_dumped, ({"error": {"message": "no", "exit_code": 4}}, {"detail": "no", "exit_code": 6}, {"units": []})),
    ),
    (
        *WORDS,
        b'"at":',
        b'"0001-01-01T00:00:00+23:59"',
        b'"note":',
        b'"line":',
        b'"exit_code":',
        b'"detail":',
        b'"id":',
        b'"error":',
    ),
)
