"""What a request's body may be: 64 KiB, in good time, and JSON where it says what is to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployster_cli.domain.units.names import quoted
from deployster_cli.server.middleware.problems import CHANGES, WRITES, methods, problem, unknown_parameters

MOST_BYTES = 64 * 1024

# Digits of a length that are looked at: more would be beyond every machine, and Python refuses to read thousands.
_LONGEST_LENGTH = 20

# Seconds for which a client may take its time with a body.
LONGEST_BODY = 30.0


class Limits:
    """Reads a body ahead of the app, so that none that is too large, too slow or no JSON gets to it."""

    def __init__(self, app: ASGIApp, longest_body: float = LONGEST_BODY) -> None:
        self._app = app
        self._longest_body = longest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, or refuse."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        refusal = _unfit(scope, headers)
        body: bytes | None = None
        if refusal is None and _has_body(headers):
            try:
                async with asyncio.timeout(self._longest_body):
                    body = await _read(receive)
            except TimeoutError:
                refusal = problem(408, f"The body did not come within {self._longest_body:g} s.")
            else:
                refusal = _too_large() if body is not None and len(body) > MOST_BYTES else None
        await (refusal or self._app)(scope, receive if body is None else _replayed(body, receive), send)


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _unfit(scope: Scope, headers: Mapping[bytes, bytes]) -> Response | None:
    """Return what the head of a request alone rules out; a route or method that isn't there is not told of as a wrong
    body.
    """
    if scope.get("method") in CHANGES and _from_elsewhere(headers):
        return problem(403, "A page of another site may change nothing here.")
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:_LONGEST_LENGTH]) > MOST_BYTES:
        return _too_large()
    if scope.get("method") in WRITES and not _is_json(headers) and scope["method"] in methods(scope):
        return problem(415, "The body must be JSON, and say so: Content-Type: application/json.")
    unknown = unknown_parameters(scope) if scope.get("query_string") else []
    if unknown:
        return problem(422, f"There is no parameter {quoted(unknown[0])} here.")
    return None


def _from_elsewhere(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser sends this for a page that is not ours: it says so itself, and no page can change that.

    A browser that has the login sends it along whoever asks. ``none`` is a person's own address line.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in {b"same-origin", b"none"}
    origin = headers.get(b"origin")
    ours = (headers.get(b"host"), headers.get(b"x-forwarded-host"))
    return origin is not None and origin.rpartition(b"//")[2] not in ours


def _is_json(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == b"application/json"


def _too_large() -> Response:
    return problem(413, f"The body may have {MOST_BYTES // 1024} KiB.", headers={"Connection": "close"})


async def _read(receive: Receive) -> bytes | None:
    """Return the body, or as much of it as shows that it is too large; None where the client went away."""
    body = b""
    while len(body) <= MOST_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Hands the app the body that was read, then whatever the client does next."""
    parts = [body]

    async def replaying() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replaying
