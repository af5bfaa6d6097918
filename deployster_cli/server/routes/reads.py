"""What is: services, units and history from the shared listing, and whether the server lives and reaches its engine."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes.schemas import ServicePath
from deployster_cli.server.state import Serving


class UnitAnswer(BaseModel):
    """One unit. The Go service's six fields come first."""

    service: str
    instance: str
    version: str
    current_state: str | None
    desired_state: str | None
    machine_id: str | None
    state: str
    machine_ip: str | None
    port: int | None
    load: str | None
    active: str | None
    sub: str | None
    unit: str
    foreign: bool


class SilentAnswer(BaseModel):
    """A machine that does not answer: how its units are is not known."""

    machine: str
    why: str


class UnitsAnswer(BaseModel):
    """Units by service, version and instance; ``silent`` is there where machines do not answer."""

    units: list[UnitAnswer]
    silent: list[SilentAnswer] = []


class ServiceAnswer(BaseModel):
    """One release of a service."""

    service: str
    version: str
    running: int
    instances: int
    state: str
    machines: list[str]
    foreign: bool


class ServicesAnswer(BaseModel):
    """Releases by service and version."""

    services: list[ServiceAnswer]


class EntryAnswer(BaseModel):
    """One release of a history; null is what nobody knows any more."""

    version: str
    running: int
    deployed_at: str | None
    deployed_by: str | None


class HistoryAnswer(BaseModel):
    """A service's releases, newest first; ``silent`` is there where machines do not answer."""

    service: str
    history: list[EntryAnswer]
    silent: list[SilentAnswer] = []


class StatusAnswer(BaseModel):
    """That all is well."""

    status: str


def router(serving: Serving) -> APIRouter:
    """The routes. Their bodies are bytes made once a listing, so no answer is built or checked a second time."""
    listing = serving.listing
    api = APIRouter()

    @api.get("/healthz", response_model=StatusAnswer, summary="Whether the server lives; needs no login")
    async def healthz() -> Response:
        return _json(b'{"status":"ok"}')

    @api.get("/readyz", response_model=StatusAnswer, summary="Whether the engine can be reached")
    async def readyz() -> Response:
        await listing.now()
        return _json(b'{"status":"ok"}')

    @api.get("/v1/services", response_model=ServicesAnswer, summary="Every release of every service")
    async def services() -> Response:
        return _json((await listing.now()).services_body())

    @api.get("/v1/units", response_model=UnitsAnswer, summary="Every unit")
    async def all_units() -> Response:
        return _json((await listing.now()).units_body())

    @api.get("/v1/services/{service}/units", response_model=UnitsAnswer, summary="Every unit of a service")
    async def units(service: ServicePath) -> Response:
        return _json((await listing.now()).units_body(service))

    @api.get(
        "/v1/services/{service}/history",
        response_model=HistoryAnswer,
        responses=responses(404),
        summary="The releases that a service has had",
    )
    async def history(service: ServicePath) -> Response:
        return _json(await listing.history_body(service))

    return api


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
