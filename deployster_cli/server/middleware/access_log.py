"""One JSON line a request, without queries, headers or bodies: no secret can be in it."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployster_cli.server.middleware.problems import template

# Where a request's id is in its scope.
REQUEST_ID = "deployster.id"

# Where the name is that a request logged in with.
USER = "deployster.user"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_log = logging.getLogger("deployster.access")

# Told of each request: method, route template, status, seconds.
Observe = Callable[[str, str, int, float], None]


class AccessLog:
    """Gives each request an id (its own X-Request-ID, where that is a fit one), logs it and has it counted."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; what is no HTTP request (the lifespan) passes unseen."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope[REQUEST_ID] = _request_id(scope)
        status, sent = 0, 0

        async def noting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            else:
                sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            self._observe(scope["method"], template(scope), status, seconds)
            _log.info("request", extra={"facts": _facts(scope, status, sent, seconds)})


def _request_id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _facts(scope: Scope, status: int, sent: int, seconds: float) -> dict[str, object]:
    """Status 0: the client went away before there was an answer."""
    client = scope.get("client")
    return {
        "id": scope[REQUEST_ID],
        "client": client[0] if client else "",
        "user": scope.get(USER, ""),
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "bytes": sent,
        "ms": round(seconds * 1000, 1),
    }


class JsonLines(logging.Formatter):
    """A log record as one line of JSON, whatever it says."""

    def format(self, record: logging.LogRecord) -> str:
        """``{"at": …, "level": …, "message": …}``, a request's facts, and the traceback where there is one."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "at": f"{at}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)
