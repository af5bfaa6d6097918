"""The dashboard's stream: services and units whenever they change, jobs whenever there is news of one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter
from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

from deployster_cli.config.load import Settings
from deployster_cli.domain.payloads import service_shape, unit_shape, with_silent
from deployster_cli.errors import EngineError
from deployster_cli.server.jobs.job import Job
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing, Seen
from deployster_cli.server.streams.threaded_response import Events

# Seconds between two looks at the listing while anybody has the page open. All streams share one look.
LOOK_EVERY = 2.0

# Seconds of silence after which a comment is sent: proxies drop what says nothing.
PULSE = 15.0


class View:
    """What one page was told last. ``body`` is the same object as long as there is nothing new."""

    def __init__(self, listing: Listing, place: str) -> None:
        self._listing = listing
        self._place = place
        self._seen: Seen | None = None
        self._told: tuple[object, str] | None = None

    async def news(self) -> str | None:
        """The data of ``event: services``, where it differs from what was told last."""
        problem = ""
        try:
            self._seen = await self._listing.now(LOOK_EVERY)
        except EngineError as error:
            problem = error.message
        now = (self._seen and (self._seen.units, self._seen.silent), problem)
        if now == self._told:
            return None
        self._told = now
        return self._data(problem)

    def _data(self, problem: str) -> str:
        seen = self._seen or Seen((), 0.0)
        engine = json.dumps({"ok": not problem, "problem": problem or None}, ensure_ascii=False)
        known = seen.kept("live", partial(_known, seen)).decode()
        return f'{{"place":{json.dumps(self._place)},"engine":{engine},{known[1:]}'


def _known(seen: Seen) -> dict[str, object]:
    shape: dict[str, object] = {
        "services": [service_shape(release) for release in seen.releases()],
        "units": [unit_shape(unit) for unit in seen.units],
    }
    return with_silent(shape, seen.silent)


def place(settings: Settings) -> str:
    """Where the services run, for a person: the cluster's name if it has one."""
    if settings.cluster:
        return f"cluster {settings.cluster}"
    return settings.declared.place


async def stream(serving: Serving, readers: anyio.CapacityLimiter) -> AsyncIterator[bytes]:
    """Services at once and on every change, jobs on every news, until the client goes."""
    view = View(serving.listing, place(serving.settings))
    loop = asyncio.get_running_loop()
    said = loop.time()
    with serving.jobs.listening() as listener:
        yield format_sse_event(retry=1000)
        while True:
            data = await view.news()
            if data is not None:
                said = loop.time()
                yield format_sse_event(event="services", data_str=data)
            for job_id in await listener.news(LOOK_EVERY):
                job: Job | None = await run_sync(serving.jobs.get, job_id, limiter=readers)
                if job:
                    said = loop.time()
                    yield format_sse_event(event="job", data_str=json.dumps(job.shape(), ensure_ascii=False))
            if loop.time() - said >= PULSE:
                said = loop.time()
                yield format_sse_event(comment="still here")


def router(serving: Serving) -> APIRouter:
    """The route."""
    api = APIRouter(tags=["looking"])
    readers = anyio.CapacityLimiter(4)

    @api.get(
        "/v1/events",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **responses(401, 403, 503),
        },
    )
    async def events() -> Events:
        """Services and units (``event: services``) and jobs (``event: job``), as they change."""
        return Events(serving.streams, stream(serving, readers))

    return api
