"""The door's keeper: no request gets past it without the login, whatever it asks for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployster_cli.server.middleware.access_log import USER
from deployster_cli.server.middleware.attempts import Attempts, client_of
from deployster_cli.server.middleware.credentials import Login, is_local, is_loopback
from deployster_cli.server.middleware.problems import problem

# Paths that anybody may ask for.
OPEN = frozenset({"/healthz"})


class Guard:
    """Answers 401, 403 and 429 in the app's place."""

    def __init__(
        self, app: ASGIApp, login: Login, attempts: Attempts, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._login = login
        self._attempts = attempts
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, or refuse."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            refusal = self._refusal(scope)
            if refusal:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) and _twice(scope):
            return problem(400, "Host and Authorization may be said once.")
        peer = (scope.get("client") or ("",))[0]
        if self._login.well_known and not is_local(peer, headers):
            return problem(
                403,
                "The password is the well-known default, which counts on the server's own machine only.",
                hint="Start the server with --password-file.",
            )
        return self._judged(scope, _client(peer, headers), headers.get(b"authorization"))

    def _judged(self, scope: Scope, client: str, given: bytes | None) -> Response | None:
        if given is None:
            return _unauthorized("A user name and password are wanted.")
        now = self._now()
        wait = self._attempts.wait(client, now)
        if wait and not self._attempts.known(client, now):
            return _too_many(wait)
        if self._login.fits(given):
            self._attempts.right(client, now)
            scope[USER] = self._login.username
            return None
        if wait:
            return _too_many(wait)
        self._attempts.wrong(client, now)
        return _unauthorized("That is not the user name and password.")


def _twice(scope: Scope) -> bool:
    """Whether a header by which somebody is let in stands there twice: a proxy may have looked at the other one."""
    names = [name for name, _ in scope["headers"]]
    return any(names.count(name) > 1 for name in (b"host", b"authorization"))


def _client(peer: str, headers: Mapping[bytes, bytes]) -> str:
    """Whom to count wrong passwords against: the peer, or whom a proxy on this machine says that it speaks for."""
    if is_loopback(peer) and b"x-forwarded-for" in headers:
        peer = headers[b"x-forwarded-for"].decode("latin-1").rpartition(",")[2].strip()
    return client_of(peer)


def _unauthorized(detail: str) -> Response:
    return problem(401, detail, headers={"WWW-Authenticate": 'Basic realm="deployster", charset="UTF-8"'})


def _too_many(wait: float) -> Response:
    return problem(
        429, "Too many wrong passwords came from this address.", headers={"Retry-After": str(math.ceil(wait))}
    )
