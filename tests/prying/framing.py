"""Where one request ends and the next begins: smuggling, upgrades, other versions of HTTP, and what is too much."""

from __future__ import annotations

from collections.abc import Callable

from tests.prying.doors import BODY, DEPLOYS, JSON
from tests.prying.target import Header, Target
from tests.prying.tries import Try

INSIDE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A request that hides in the body of another."""

MOST = 64 * 1024


def _smuggled(*headers: Header, body: bytes) -> Callable[[Target], str]:
    """What comes back on one connection. Two answers: what was hidden was taken for a request."""

    def run(target: Target) -> str:
        return target.say(target.head("POST", DEPLOYS, [*headers, JSON, target.login]) + body, patience=2.0).seen

    return run


def _chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def _raw(text: bytes) -> Callable[[Target], str]:
    return lambda target: target.say(text, patience=2.0).seen


def _upgrade(*headers: Header) -> Callable[[Target], str]:
    return lambda at: at.say(at.head("GET", "/healthz", [("Connection", "Upgrade"), *headers]), patience=2.0).seen


def _old(target: Target) -> str:
    answer = target.say(target.head("GET", "/healthz", version="1.0"), patience=4.0)
    return f"{answer.seen}, {'closed' if answer.ended else 'kept open'}"


def _in_a_row(target: Target) -> str:
    """Three requests at once; the answers in their order."""
    login = [target.login]
    return target.say(
        target.head("GET", "/healthz") + target.head("GET", "/no", login) + target.head("GET", "/healthz"), patience=3.0
    ).seen


def _half_closed(target: Target) -> str:
    return target.say(target.head("GET", "/v1/units", [target.login]), shut=True, patience=4.0).seen


def _posted(body: bytes) -> Callable[[Target], str]:
    return lambda target: target.ask("POST", DEPLOYS, JSON, body=body).seen


def _chunked(target: Target) -> str:
    head = target.head("POST", DEPLOYS, [("Transfer-Encoding", "chunked"), JSON, target.login])
    return target.say(head + _chunks(b" " * (MOST + 1)), patience=4.0).seen


def _many_headers(target: Target) -> str:
    return target.ask("GET", "/healthz", *((f"X-{number}", "a") for number in range(20_000))).seen


def _endless(target: Target) -> str:
    """Headers without end."""
    pieces = (b"X: " + b"a" * 1000 + b"\r\n" for _ in range(1000))
    return target.say(target.head("GET", "/healthz")[:-2], *pieces, patience=4.0).seen


LENGTH: Header = ("Content-Length", str(len(INSIDE)))
CHUNKED: Header = ("Transfer-Encoding", "chunked")

SMUGGLING = (
    Try("Content-Length and chunked", "400|closed", _smuggled(LENGTH, CHUNKED, body=b"0\r\n\r\n" + INSIDE)),
    Try("chunked and Content-Length", "400|closed", _smuggled(CHUNKED, LENGTH, body=b"0\r\n\r\n" + INSIDE)),
    Try("two Content-Lengths", "400|closed", _smuggled(("Content-Length", "0"), LENGTH, body=INSIDE)),
    Try("Content-Length: 0, 42", "400|closed", _smuggled(("Content-Length", "0, 42"), body=INSIDE)),
    Try("Content-Length: +42", "400|closed", _smuggled(("Content-Length", "+42"), body=INSIDE)),
    Try("Content-Length: -1", "400|closed", _smuggled(("Content-Length", "-1"), body=INSIDE)),
    Try("Content-Length: 0x2a", "400|closed", _smuggled(("Content-Length", "0x2a"), body=INSIDE)),
    Try(
        "Transfer-Encoding: xchunked", "400|closed", _smuggled(("Transfer-Encoding", "xchunked"), body=_chunks(INSIDE))
    ),
    Try(
        "Transfer-Encoding: chunked, identity",
        "400|closed",
        _smuggled(("Transfer-Encoding", "chunked, identity"), body=_chunks(INSIDE)),
    ),
    Try("a space before the colon", "400|closed", _smuggled(("Content-Length ", str(len(INSIDE))), body=INSIDE)),
    Try("a chunk's length over 2^64", "400|closed|413", _smuggled(CHUNKED, body=b"f" * 17 + b"\r\n" + INSIDE)),
    Try("a chunk's length that is none", "400|closed", _smuggled(CHUNKED, body=b"-1\r\n" + INSIDE)),
    Try("lines that end with LF alone", "400|closed", _raw(b"GET /healthz HTTP/1.1\nHost: localhost\n\n")),
    Try("a folded header", "400|closed", _raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n")),
    Try("a CR in a header", "400|closed", _raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n")),
    Try("what is no HTTP", "400|closed", _raw(b"\x00\x01\x02\r\n\r\n")),
)

VERSIONS = (
    Try("HTTP/1.0", "200, closed", _old),
    Try("HTTP/0.9", "200|400|closed|nothing", _raw(b"GET /healthz\r\n\r\n")),
    Try("HTTP/9.9", "400|closed", _raw(b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n")),
    Try("HTTP/2 unasked", "400|closed", _raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    Try("an upgrade to h2c", "200|400", _upgrade(("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"))),
    Try("an upgrade to WebSocket", "200|400", _upgrade(("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))),
    Try("no Host", "400|200", _raw(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")),
    Try("three requests at once", "200 404 200", _in_a_row),
    Try("half closed behind a request, as by one who leaves", "200|closed", _half_closed),
)

TOO_MUCH = (
    Try("64 KiB and a byte", "413", _posted(b" " * (MOST + 1))),
    Try("… in chunks", "413", _chunked),
    Try("JSON 30,000 deep", "400|422", _posted(b"[" * 30_000 + b"]" * 30_000)),
    Try("a number of 60,000 digits", "400|422", _posted(b'{"deploy":{"instance_count":' + b"9" * 60_000 + b"}}")),
    Try("a name 60,000 times", "400|422", _posted(b"{" + b",".join([b'"a":1'] * 10_000) + b"}")),
    Try("NaN", "400|422", _posted(b'{"deploy":{"version":"1","timeout":NaN}}')),
    Try("half a surrogate", "400|422", _posted(b'{"deploy":{"version":"\\ud800"}}')),
    Try("a field that nobody knows", "422", _posted(BODY[:-2] + b',"__proto__":{}}}')),
    Try("a path of 60,000 characters", "404|414|422", lambda at: at.ask("GET", "/" + "a" * 60_000).seen),
    Try(
        "a service of 60,000 characters", "404|422", lambda at: at.ask("GET", f"/v1/services/{'a' * 60_000}/units").seen
    ),
    Try("a query of 60,000 characters", "422|414", lambda at: at.ask("GET", "/v1/units?" + "a=b&" * 15_000).seen),
    Try("20,000 headers", "200|400|431|closed", _many_headers),
    Try("headers without end", "closed|400|431", _endless),
)

FRAMING = (*SMUGGLING, *VERSIONS, *TOO_MUCH)
