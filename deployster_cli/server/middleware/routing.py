"""Which routes of the app a request meets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

WRITES = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose body says what is to be done."""

CHANGES = WRITES | {"DELETE"}


def methods(scope: Scope) -> list[str]:
    """Every method that the path knows; the framework itself names those of the first route only."""
    found: set[str] = set()
    for route in _at(scope):
        found |= getattr(route, "methods", None) or set()
    return sorted(found)


def template(scope: Scope) -> str:
    """The route's path as it was declared, ``/v1/services/{service}/units``; empty where no route took the request."""
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
