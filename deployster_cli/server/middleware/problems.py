"""Errors as application/problem+json: ours, the framework's, and faults; and which routes a request meets."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import (
    EXIT_ENGINE,
    EXIT_FAILED,
    EXIT_FAULT,
    EXIT_USAGE,
    DeploysterError,
    EngineError,
    EngineMissing,
    EngineUnreachable,
    InvalidInput,
    Locked,
    NotFound,
    OutputUnreadable,
)
from deployster_cli.server.jobs.job import NotNow

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"

# Seconds after which an engine that could not be reached may be asked again.
RETRY_AFTER = "2"

# Kind of error → status; the first that fits counts.
STATUS: tuple[tuple[type[DeploysterError], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Locked, 409),
    (EngineMissing, 503),
    (EngineUnreachable, 503),
    (OutputUnreadable, 503),
    (EngineError, 502),
    (NotNow, 503),
    (DeploysterError, 500),
)

_log = logging.getLogger("deployster.server")


class Problem(BaseModel):
    """An error as every route answers it (RFC 9457), with the exit code that the command line would have."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str | None = None
    exit_code: int


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that a route can answer, for its ``responses=``."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def problem(
    status: int, detail: str, *, hint: str = "", exit_code: int = EXIT_USAGE, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the response that says what is wrong."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **({"hint": hint} if hint else {}),
        "exit_code": exit_code,
    }
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def of_error(error: DeploysterError) -> JSONResponse:
    """One of our errors as a response."""
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    headers = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(status, error.message, hint=error.hint, exit_code=error.exit_code, headers=headers)


def unavailable(detail: str) -> JSONResponse:
    """Return the server itself can't answer now."""
    return problem(503, detail, exit_code=EXIT_ENGINE, headers={"Retry-After": RETRY_AFTER})


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    app.add_exception_handler(DeploysterError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


class Faults:
    """Turns what nobody foresaw into a 500 without a word of why; the why goes to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception:
            _log.exception("a fault in deployster itself", extra={"request": scope.get("deployster.id")})
            if started:
                raise
            detail = "A fault in deployster itself; its traceback is in the server's log."
            await problem(500, detail, exit_code=EXIT_FAULT)(scope, receive, send)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DeploysterError)  # noqa: S101 - it was registered for these  # nosec B101
    return of_error(error)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """Return what the framework refuses: no such route, no such method there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above  # nosec B101
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {quoted(request.url.path)}."
            return problem(404, detail, hint="GET /openapi.json lists what there is.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(methods(request.scope))
            detail = f"{quoted(request.url.path)} knows no {quoted(request.method)}."
            return problem(405, detail, hint=f"It knows {allowed}.", headers={"Allow": allowed})
        case HTTPStatus.BAD_REQUEST:
            return problem(400, "The body is not what its Content-Type says.")
        case status:
            exit_code = EXIT_USAGE if status < HTTPStatus.INTERNAL_SERVER_ERROR else EXIT_FAILED
            return problem(status, str(error.detail), exit_code=exit_code, headers=error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Return a body or a parameter of the wrong shape. No value is repeated: it may be a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above  # nosec B101
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(400, "The body is no JSON.")
    where = ".".join(str(part) for part in first["loc"][1:] if first["loc"][0] != "path" and part not in _ALTERNATIVES)
    if first["type"] == "extra_forbidden":
        return problem(422, f"There is no field {quoted(where)}.")
    if first["type"] == "missing":
        return problem(422, f"{quoted(where)} is missing." if where else "A body is missing.")
    return problem(422, f"{quoted(where)}: {_sentence(first)}" if where else _sentence(first))


# What the framework adds to a field's place where the field takes text and numbers.
_ALTERNATIVES = frozenset({"str", "float"})

# Kind of the framework's error → what is said of it.
_SENTENCES = {
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have {max_length} characters at most",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "enum": "must be {expected}",
    "list_type": "must be a list",
    "too_long": "must have {max_length} items at most",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def _sentence(error: Mapping[str, Any]) -> str:
    """Return what is wrong with a value: the domain's own sentence where it refused it, else ours for that kind of
    error.
    """
    told = error.get("ctx", {})
    own = _SENTENCES.get(error["type"], "").format(**told) or str(told.get("error") or error["msg"])
    return own if own.endswith(".") else f"{own}."


# Methods whose body says what is to be done.
WRITES = frozenset({"POST", "PUT", "PATCH"})

CHANGES = WRITES | {"DELETE"}


def methods(scope: Scope) -> list[str]:
    """Every method that the path knows; the framework itself names those of the first route only."""
    found: set[str] = set()
    for route in _at(scope):
        found |= getattr(route, "methods", None) or set()
    return sorted(found)


def template(scope: Scope) -> str:
    """Return the route's path as it was declared, ``/v1/services/{service}/units``; empty where no route took the
    request.
    """
    return getattr(scope.get("route"), "path", "")


def unknown_parameters(scope: Scope) -> list[str]:
    """Names in the query that the route doesn't take: a slip in ``instance`` must not destroy a whole release."""
    route = next((found for found in _at(scope) if found.matches(scope)[0] is Match.FULL), None)
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return []
    known = {field.alias for field in route.dependant.query_params}
    return [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True) if name not in known]


def _at(scope: Scope) -> Iterator[BaseRoute]:
    for route in scope["app"].routes:
        if route.matches(scope)[0] is not Match.NONE:
            yield route
