"""The route for journals: the last lines of all instances together and, with ``follow``, each as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from deployster_cli.errors import DeploysterError
from deployster_cli.operations.logs import LogLine, LogNote, Wanted, logs
from deployster_cli.server.jobs.worker import StoppableClock
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes.schemas import InstanceNumber, Numeral, ServicePath, VersionText
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import encoded
from deployster_cli.server.streams.threaded_response import Places, Producer, ThreadedResponse
from deployster_cli.views import logs as shown

# Requests for journals at the same time. Each has a thread and, while it follows, a process for every instance.
MOST_STREAMS = 16

MOST_LINES = 100_000

NDJSON = "application/x-ndjson"

Line = LogLine | LogNote


@dataclass(frozen=True)
class Reading:
    """One reading of journals, for a thread; ``form`` makes each line's text, its end included."""

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
        return self.form(line).encode(errors="replace")


def as_text(line: Line) -> str:
    """As the command has it; a note stands behind ``--``."""
    return f"-- {line.text}\n" if isinstance(line, LogNote) else shown.as_text(line)


def as_json(line: Line) -> str:
    """As the command has it; or ``{"note"}``."""
    return encoded({"note": line.text}).decode() + "\n" if isinstance(line, LogNote) else shown.as_json(line)


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
