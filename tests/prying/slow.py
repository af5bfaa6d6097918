"""Who takes their time, and who comes by the thousand: what they get, and what others get meanwhile."""

from __future__ import annotations

import contextlib
import resource
import socket
import time

from tests.prying.doors import DEPLOYS, JSON
from tests.prying.target import Answer, Target, heard
from tests.prying.tries import Try

LONGEST = 100.0
"""Seconds after which a slow client counts as served for ever."""

MANY = 1700
"""Connections: more than the server serves at a time."""


def _dripped(stream: socket.socket, pieces: bytes, pause: float) -> Answer:
    """A byte at a time until the server ends it or there is none left; what came back."""
    until = time.monotonic() + LONGEST
    with contextlib.suppress(OSError):
        for byte in pieces:
            stream.sendall(bytes([byte]))
            time.sleep(pause)
            if time.monotonic() > until:
                break
    return heard(stream, max(1.0, until - time.monotonic()))


def _told(answer: Answer, began: float) -> str:
    """``closed after 20 s`` or ``408 after 30 s``, in steps of ten seconds."""
    seconds = round((time.monotonic() - began) / 10) * 10
    return f"{answer.seen} after {seconds} s" if answer.ended else f"still there after {seconds} s"


def _silent(target: Target) -> str:
    began = time.monotonic()
    with target.connected() as stream:
        return _told(heard(stream, LONGEST), began)


def _slow_head(target: Target) -> str:
    began = time.monotonic()
    with target.connected() as stream:
        return _told(_dripped(stream, target.head("GET", "/healthz", [("X", "a" * 200)]), 0.5), began)


def _slow_body(target: Target) -> str:
    head = target.head("POST", DEPLOYS, [("Content-Length", "200"), ("Connection", "close"), JSON, target.login])
    began = time.monotonic()
    with target.connected() as stream:
        stream.sendall(head)
        return _told(_dripped(stream, b" " * 199, 0.5), began)


def _slow_reader(target: Target) -> str:
    """Asks for more and more and takes none of it, until it can ask no more; then waits to be cut off."""
    began = time.monotonic()
    asked = target.head("GET", "/openapi.json", [target.login]) * 100
    with target.connected() as stream:
        stream.settimeout(5.0)
        with contextlib.suppress(TimeoutError):
            while time.monotonic() - began < LONGEST:
                stream.sendall(asked)
        cut = _cut_off(stream, LONGEST - (time.monotonic() - began))
    return "cut off" if cut else "still there"


def _cut_off(stream: socket.socket, patience: float) -> bool:
    """Whether the other side ends the connection, seen without reading from it."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        state = stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != _ESTABLISHED:
            return True
        time.sleep(0.5)
    return False


_ESTABLISHED = 1
"""TCP_ESTABLISHED of Linux."""


def _stalled_handshake(target: Target, said: bytes = b"") -> str:
    began = time.monotonic()
    with target.tcp() as stream:
        stream.sendall(said)
        return _told(heard(stream, LONGEST), began)


def _crowd(target: Target) -> str:
    """Somebody with the login, while silent connections come by the thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MANY + 200, hard), hard))
    with contextlib.ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(MANY):
            held.enter_context(target.tcp())
        return target.ask("GET", "/v1/units").seen


SILENT = (Try("1,700 silent connections, and a request", "200", _crowd),)
"""Not beside others: what is silent is sent away."""

SLOW = (
    Try("nothing is said", r"closed after (10|20|30) s", _silent),
    Try("a head, two bytes a second", r"closed after (20|30) s", _slow_head),
    Try("a body, two bytes a second", r"408 after (30|40) s", _slow_body),
    Try("answers that nobody takes", "cut off", _slow_reader),
)

HANDSHAKES = (
    Try("a TLS handshake that never begins", r"closed after 10 s", _stalled_handshake),
    Try("half a TLS handshake", r"closed after 10 s", lambda at: _stalled_handshake(at, b"\x16\x03\x01\x02\x00\x01")),
    Try(
        "HTTP where TLS is wanted",
        r"closed after 0 s",
        lambda at: _stalled_handshake(at, b"GET /healthz HTTP/1.1\r\n\r\n"),
    ),
)
"""With HTTPS."""
