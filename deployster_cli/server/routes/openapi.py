"""/openapi.json: what the routes declare, and what holds for all of them: the login, and errors as problems."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deployster_cli.config.load import Settings
from deployster_cli.operations.task import TEMPLATE
from deployster_cli.operations.templates import names
from deployster_cli.server.middleware.auth import OPEN
from deployster_cli.server.middleware.problems import WRITES, Problem, responses

# Where it isn't declared the framework declares one of its own, in a shape that we don't answer.
UNFIT = 422

EVERYWHERE = (UNFIT, 503)
LOGIN = (401, 403, 429)
WITH_BODY = (400, 404, 413, 415, 502)

EVENT_STREAM = "text/event-stream"

# One event of a stream.
_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "id": {"type": "string"}, "data": {"type": "string"}},
}


def install(app: FastAPI, settings: Settings) -> None:
    """Make the app describe itself this way; ``settings`` tell which templates there are."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = _complete(get_openapi(title=app.title, version=app.version, routes=app.routes))
            app.openapi_schema = _with_templates(described, sorted(set(names(settings.templates_dir)) - {TEMPLATE}))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own documentation says to


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"login": {"type": "http", "scheme": "basic"}}
    components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete_operation(operation, method.upper(), needs_login=path not in OPEN)
    return schema


def _with_templates(schema: dict[str, Any], templates: list[str]) -> dict[str, Any]:
    """The templates that there are when the server starts, wherever one can be named."""
    for described in schema["components"]["schemas"].values():
        if "template" in described.get("properties", {}):
            described["properties"]["template"] = {"type": "string", "enum": ["", *templates], "default": ""}
    return schema


def _complete_operation(operation: dict[str, Any], method: str, *, needs_login: bool) -> None:
    statuses = (*EVERYWHERE, *(LOGIN if needs_login else ()), *(WITH_BODY if method in WRITES else ()))
    given = operation["responses"]
    for status, response in responses(*statuses).items():
        if status == UNFIT or str(status) not in given:
            given[str(status)] = response
    for response in given.values():
        if EVENT_STREAM in response.get("content", {}):
            response["content"][EVENT_STREAM] = {"schema": _EVENT}
    if needs_login:
        operation["security"] = [{"login": []}]
