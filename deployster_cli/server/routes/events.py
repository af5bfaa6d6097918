"""A job's progress as server-sent events: all it has told so far, then what it tells, then its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header
from fastapi.sse import format_sse_event
from starlette.responses import Response, StreamingResponse

from deployster_cli.domain.payloads import decode_event
from deployster_cli.errors import InvalidInput
from deployster_cli.server.jobs.job import Job, Json
from deployster_cli.server.jobs.queue import Jobs
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes.changes import found
from deployster_cli.server.routes.schemas import ServicePath
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.threaded_response import Events
from deployster_cli.views.sentences import sentence

# Seconds of silence after which a comment is sent: proxies drop what says nothing.
PULSE = 15.0

# Events fetched at a time: a reader that is slow holds no more than these.
_CHUNK = 100

# Threads in which the store is read for streams, however many there are.
_READERS = 4

_COMMENT = format_sse_event(comment="still here")


async def stream(jobs: Jobs, job_id: str, after: int, readers: anyio.CapacityLimiter) -> AsyncIterator[bytes]:
    """The events of a job behind that number, and on until it ends."""
    with jobs.listening(job_id) as listener:
        yield format_sse_event(retry=1000)
        while True:
            job, rows = await run_sync(partial(_read, jobs, job_id, after), limiter=readers)
            for number, at, event in rows:
                yield format_sse_event(event="progress", id=str(number), data_str=progress(at, event))
                after = number
            if rows:
                continue
            if job is None or job.over:
                yield _end(job)
                return
            if not await listener.news(PULSE):
                yield _COMMENT


def _read(jobs: Jobs, job_id: str, after: int) -> tuple[Job | None, list[tuple[int, str, Json]]]:
    """The job, and then its events: so of a job that is over there are none to come."""
    return jobs.get(job_id), jobs.events(job_id, after, _CHUNK)


def progress(at: str, event: Json) -> str:
    """One event: when, as lines for a person, and as a value."""
    try:
        lines = sentence(decode_event(event))
    except InvalidInput:
        lines = []
    return json.dumps({"at": at, "lines": lines, "event": event}, ensure_ascii=False)


def _end(job: Job | None) -> bytes:
    return format_sse_event(event="end", data_str=json.dumps(job and job.shape(), ensure_ascii=False))


def router(serving: Serving) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["changes"])
    readers = anyio.CapacityLimiter(_READERS)

    def events(
        service: ServicePath,
        id: str,  # noqa: A002 - the contract's name
        last_event_id: Annotated[int, Header(ge=0, le=2**53)] = 0,
    ) -> Response:
        """A job's progress from the start, or from behind Last-Event-ID, as it comes; ends with ``event: end``."""
        job = found(serving, service, id)
        return Events(serving.streams, stream(serving.jobs, job.id, last_event_id, readers))

    routes.add_api_route(
        "/v1/services/{service}/deploys/{id}/events",
        events,
        methods=["GET"],
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **responses(401, 403, 404, 422, 503),
        },
    )
    return routes
