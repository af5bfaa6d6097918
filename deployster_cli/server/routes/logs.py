"""The route for journals: the last lines of all instances together and, with ``follow``, each as it comes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from deployster_cli.errors import DeploysterError
from deployster_cli.operations.logs import LogLine, LogNote, Wanted, logs
from deployster_cli.server.jobs.worker import StoppableClock
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes.schemas import InstanceNumber, Numeral, ServicePath, VersionText
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.threaded_response import Places, Producer, ThreadedResponse

MOST_STREAMS = 16
"""Requests for journals at the same time. Each has a thread and, while it follows, a process for every instance."""

MOST_LINES = 100_000

NDJSON = "application/x-ndjson"

Line = LogLine | LogNote


@dataclass(frozen=True)
class Reading:
    """One reading of journals, for a thread; ``form`` makes each line's text."""

    serving: Serving
    wanted: Wanted
    follow: bool
    form: Callable[[Line], str]

    def __call__(self, stop: threading.Event, put: Callable[[bytes], None]) -> None:
        """Hand the lines over. What is followed may be silent for long: its response begins at once and has errors."""
        lines = logs(self.serving.open_engine(), self.wanted, StoppableClock(stop), follow=self.follow)
        if self.follow:
            put(b"")
        try:
            for line in lines:
                put(self._text(line))
        except DeploysterError as error:
            if not self.follow:
                raise
            put(self._text(LogNote(error.message)))
        finally:
            lines.close()

    def _text(self, line: Line) -> bytes:
        return f"{self.form(line)}\n".encode(errors="replace")


def as_text(line: Line) -> str:
    """``carousel-9f88701@1.service | line``, with the machine of a global unit; a note stands behind ``--``."""
    if isinstance(line, LogNote):
        return f"-- {line.text}"
    return f"{f'{line.name.text} {line.machine}'.rstrip()} | {line.text}"


def as_json(line: Line) -> str:
    """``{"unit", "at", "line"}``, with ``machine`` of a global unit; or ``{"note"}``."""
    if isinstance(line, LogNote):
        return json.dumps({"note": line.text}, ensure_ascii=False)
    at = None if line.at is None else datetime.fromtimestamp(line.at, UTC).isoformat(timespec="microseconds")
    where = {"machine": line.machine} if line.machine else {}
    return json.dumps({"unit": line.name.text, **where, "at": at, "line": line.text}, ensure_ascii=False)


def router(serving: Serving) -> APIRouter:
    """The route."""
    routes, places = APIRouter(tags=["reads"]), Places(MOST_STREAMS, "readings of journals")

    async def read(
        service: ServicePath,
        *,
        version: Annotated[VersionText | None, Query()] = None,
        instance: Annotated[list[InstanceNumber], Query(max_length=1000)] = [],  # noqa: B006 - never changed
        lines: Annotated[int, Query(ge=0, le=MOST_LINES), Numeral] = 10,
        follow: bool = False,
        accept: Annotated[str, Header()] = "",
    ) -> Response:
        """The last journal lines of each instance, and with ``follow`` those that come."""
        wanted = Wanted(service, version, instance, lines)
        units = (await serving.listing.now()).units
        if not wanted.among(units):
            raise wanted.missing(units)
        form, media_type = (as_json, NDJSON) if NDJSON in accept else (as_text, "text/plain")
        producer = Producer(Reading(serving, wanted, follow, form), places)
        return ThreadedResponse(producer, await producer.first(), media_type)

    text = {"schema": {"type": "string"}}
    routes.add_api_route(
        "/v1/services/{service}/logs",
        read,
        methods=["GET"],
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/plain": text, NDJSON: text}},
            **responses(401, 403, 404, 422, 502, 503),
        },
    )
    return routes
