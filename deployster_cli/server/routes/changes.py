"""The routes that change services, each as a job, and those that show the jobs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Annotated, Any, Literal

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from deployster_cli.domain.change import Change
from deployster_cli.domain.payloads import plan_shape
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.units.names import stampable
from deployster_cli.errors import NotFound
from deployster_cli.operations.change import Operation
from deployster_cli.server.jobs.job import Job, Json, NotNow, State
from deployster_cli.server.middleware.access_log import USER
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes import schemas
from deployster_cli.server.routes.schemas import ServicePath, VersionPath
from deployster_cli.server.state import Serving

# Dry runs at once: each asks the engine. More are told to come again.
MOST_PLANNED = 4

# Seconds between looks at whether the server stops, while somebody waits for a job's end.
_DOOR_LOOK = 1.0

_OF_SERVICE = "/v1/services/{service}"

_REFUSALS = responses(400, 401, 403, 413, 415, 422, 503)

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
Limit = Annotated[int, Query(ge=1, le=1000), schemas.Numeral]


class JobError(BaseModel):
    """What a job failed with, and the exit code that the command line would have."""

    message: str
    hint: str
    exit_code: int


class JobResult(BaseModel):
    """What a job did, and how long it took."""

    plan: dict[str, Any] | None
    seconds: float


class JobAnswer(BaseModel):
    """One job. ``request`` is as it was given, with the values of ``env`` and ``set`` masked."""

    id: str
    service: str
    version: str | None
    verb: Literal["deploy", "rollback", "scale", "restart", "destroy"]
    state: Literal["queued", "running", "done", "failed"]
    by: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    request: dict[str, Any]
    error: JobError | None
    result: JobResult | None
    events_url: str


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    deploys: list[JobAnswer]


class PlanAnswer(BaseModel):
    """What would be done: the answer to ``dry_run``."""

    plan: dict[str, Any]


class Changes:
    """The handlers, over one server."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._planning = anyio.Semaphore(MOST_PLANNED)

    async def deploy(
        self, request: Request, service: ServicePath, body: schemas.DeployBody, key: Key = None
    ) -> Response:
        """Start a version of a service, and with destroy_previous retire every earlier one."""
        return await self._change(request, body.deploy, service, key)

    async def rollback(
        self, request: Request, service: ServicePath, body: schemas.RollbackBody, key: Key = None
    ) -> Response:
        """Go back to the release before, or to a version."""
        return await self._change(request, body.rollback, service, key)

    async def scale(self, request: Request, service: ServicePath, body: schemas.ScaleBody, key: Key = None) -> Response:
        """More or fewer instances of the newest release."""
        return await self._change(request, body.scale, service, key)

    async def restart(
        self, request: Request, service: ServicePath, body: schemas.RestartBody, key: Key = None
    ) -> Response:
        """Replace every instance by a fresh one, without a gap."""
        return await self._change(request, body.restart, service, key)

    async def destroy(
        self,
        request: Request,
        service: ServicePath,
        version: VersionPath,
        *,
        instance: Annotated[list[schemas.InstanceNumber], Query(max_length=1000)] = [],  # noqa: B006 - never changed
        timeout: schemas.QueryDuration = schemas.DEFAULT_TIMEOUT,
        lock_wait: schemas.QueryDuration = schemas.LOCK_WAIT,
        adopt: schemas.QueryFlag = False,
        adopt_only: Annotated[schemas.QueryUnits, Query()] = [],  # noqa: B006 - never changed
        by: schemas.By = "",
        prefer: Annotated[str, Header()] = "",
        key: Key = None,
    ) -> Response:
        """Stop and destroy a version of a service, or some instances of it; answered when they are gone.

        Whoever prefers respond-async is answered at once with the job.
        """
        more = {name: value for name, value in request.query_params.items() if name not in {"instance", "adopt_only"}}
        lists = {"instances": instance, "adopt_only": adopt_only}
        asked: Json = {"version": version, **{name: given for name, given in lists.items() if given}, **more}
        adopts = schemas.adopted(adopt_only or None, adopt=adopt)
        intent = schemas.destroy_intent(service, version, instance, timeout, lock_wait, **adopts)
        job = await self._accept(request, intent, by, asked, key)
        if "respond-async" in prefer.lower():
            return JSONResponse(job.shape(), 202, {"Location": job.url, "Preference-Applied": "respond-async"})
        ended = await self._ended(job)
        if ended.state is State.FAILED:
            raise ended.failure()
        return Response(status_code=204)

    def one(self, service: ServicePath, id: str) -> Response:  # noqa: A002 - the contract's name
        """One job."""
        return JSONResponse(found(self._serving, service, id).shape())

    def of(self, service: ServicePath, limit: Limit = 50) -> Response:
        """The service's last jobs, newest first."""
        return _listed(self._serving.jobs.of(service, limit))

    def all(self, limit: Limit = 50) -> Response:
        """The last jobs of all services, newest first."""
        return _listed(self._serving.jobs.of(None, limit))

    async def _change(self, request: Request, given: Any, service: str, key: str | None) -> Response:
        intent = given.intent(service)
        if given.dry_run:
            return JSONResponse({"plan": plan_shape(await self._planned(intent, who(request, given.by)))})
        job = await self._accept(request, intent, given.by, given.request(), key)
        return JSONResponse(job.shape(), 201, {"Location": job.url})

    async def _accept(self, request: Request, intent: Change, by: str, asked: Json, key: str | None) -> Job:
        """The intent checked, and accepted as a job that is on the disk."""
        digest = sha256(json.dumps([intent.verb, intent.service, asked]).encode()).hexdigest() if key else ""
        by = who(request, by)
        await run_sync(self._operation(intent, by).check)
        return await run_sync(partial(self._serving.jobs.accept, intent, by, asked, key=key, digest=digest))

    async def _planned(self, intent: Change, by: str) -> Plan:
        try:
            self._planning.acquire_nowait()
        except anyio.WouldBlock:
            raise NotNow("Enough plans are being made at once.", "Ask again in a moment.") from None
        try:
            return await run_sync(self._plan, self._operation(intent, by))
        finally:
            self._planning.release()

    def _plan(self, asked: Operation) -> Plan:
        asked.check()
        return asked.prepare(self._serving.open_engine()).plan

    def _operation(self, intent: Change, by: str) -> Operation:
        return Operation(self._serving.settings, replace(intent, by=by), self._serving.clock)

    async def _ended(self, job: Job) -> Job:
        """The job when it is over. The wait is nobody's thread; the job goes on if the client leaves."""
        with self._serving.jobs.listening(job.id) as listener:
            while True:
                now = await run_sync(self._serving.jobs.get, job.id)
                if now is None or now.over:
                    return now or job
                while not await listener.news(_DOOR_LOOK):
                    if self._serving.door.closed:
                        raise NotNow("The server is stopping; the job goes on when it runs again.", f"See {job.url}")


def found(serving: Serving, service: str, job_id: str) -> Job:
    """A service's job; NotFound where it has none of that id."""
    job = serving.jobs.get(job_id)
    if job is None or job.service != service:
        raise NotFound(f"{service} has no such job.", f"GET /v1/services/{service}/deploys lists the last ones.")
    return job


def who(request: Request, by: str) -> str:
    """Who asks, for the stamp and the lock: whom the request names, else its login and where it came from."""
    host = request.client.host if request.client else "?"
    return stampable(by or f"{request.scope.get(USER) or '?'}@{host}")


def _listed(jobs: list[Job]) -> Response:
    return JSONResponse({"deploys": [job.shape() for job in jobs]})


def router(serving: Serving) -> APIRouter:
    """The routes."""
    routes, to = APIRouter(tags=["changes"]), Changes(serving)
    accepted: dict[int | str, dict[str, Any]] = {200: {"model": PlanAnswer, "description": "The plan of a dry run"}}
    change = partial(
        routes.add_api_route,
        methods=["POST"],
        status_code=201,
        response_model=JobAnswer,
        responses={**_REFUSALS, **accepted},
    )
    handlers: dict[str, Callable[..., Awaitable[Response]]] = {
        "deploys": to.deploy,
        "rollback": to.rollback,
        "scale": to.scale,
        "restart": to.restart,
    }
    for name, handler in handlers.items():
        change(f"{_OF_SERVICE}/{name}", handler)
    routes.add_api_route(
        f"{_OF_SERVICE}/deploys/{{id}}",  # a version here; the document may not call one place by two names
        to.destroy,
        methods=["DELETE"],
        status_code=204,
        responses={202: {"model": JobAnswer}, **_REFUSALS, **responses(404, 409, 500, 502)},
    )
    look = partial(routes.add_api_route, methods=["GET"])
    look("/v1/deploys", to.all, response_model=JobsAnswer, responses=responses(401, 403, 422, 503))
    look(f"{_OF_SERVICE}/deploys", to.of, response_model=JobsAnswer, responses=responses(401, 403, 422, 503))
    missing = responses(401, 403, 404, 422, 503)
    look(f"{_OF_SERVICE}/deploys/{{id}}", to.one, response_model=JobAnswer, responses=missing)
    return routes
