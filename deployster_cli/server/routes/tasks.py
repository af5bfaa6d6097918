"""The route that runs a command once with a release, its output streamed as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from deployster_cli.domain.events import Event, Journal, Noticed, Starting, TaskLeft, TaskOutput
from deployster_cli.errors import DeploysterError
from deployster_cli.operations.change import one_task
from deployster_cli.operations.task import Task, run_task
from deployster_cli.server.jobs.worker import StoppableClock
from deployster_cli.server.middleware.problems import responses
from deployster_cli.server.routes import schemas
from deployster_cli.server.routes.changes import who
from deployster_cli.server.routes.schemas import ServicePath
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.threaded_response import Places, Producer, ThreadedResponse
from deployster_cli.views.sentences import sentence

# Tasks that run at the same time. Each has a thread, and fleetctl calls of its own.
MOST_TASKS = 8


@dataclass(frozen=True)
class Running:
    """One task, ready to run in a thread: what goes to the client, the last line ``Exited (N)``.

    Until its unit is about to start it answers with an error; after that with text, whatever happens.
    """

    serving: Serving
    task: Task
    timeout: float

    def __call__(self, stop: threading.Event, put: Callable[[bytes], None]) -> None:
        """Run it. ``stop`` stops it, and its unit is taken out."""
        began = False

        def tell(event: Event) -> None:
            nonlocal began
            if isinstance(event, Starting) and not began:
                began = True
                self.serving.listing.changed()
                put(b"")  # lets the response begin: nothing can be refused any more
            elif isinstance(event, TaskOutput):
                put(_text("\n".join(event.lines)))
            elif began and isinstance(event, Journal | TaskLeft | Noticed):
                put(_text("\n".join(text for _, text in sentence(event))))

        try:
            code = run_task(self.serving.open_engine(), self.task, StoppableClock(stop), tell, self.timeout)
        except DeploysterError as error:
            if not began:
                raise
            put(_text(f"{error.message} {error.hint}".rstrip()))
            code = error.exit_code
        finally:
            self.serving.listing.changed()
        put(_text(f"Exited ({code})"))


def _text(lines: str) -> bytes:
    return f"{lines}\n".encode(errors="replace")


def router(serving: Serving) -> APIRouter:
    """The route."""
    routes, places = APIRouter(tags=["changes"]), Places(MOST_TASKS, "tasks")

    def made(service: str, given: schemas.Task, by: str) -> Task:
        """The task, checked as far as it can be without an engine."""
        one = one_task(serving.settings, service, given.version, given.command, envs=schemas.joined(given.env), by=by)
        one.file(1, serving.clock.utc())
        return one

    async def run(request: Request, service: ServicePath, body: schemas.TaskBody) -> Response:
        """Run a command once with a release. Whoever goes away stops it."""
        given = body.task
        one = await run_sync(made, service, given, who(request, given.by))
        producer = Producer(Running(serving, one, schemas.seconds(given.timeout)), places)
        return ThreadedResponse(producer, await producer.first(), "text/plain")

    routes.add_api_route(
        "/v1/services/{service}/tasks",
        run,
        methods=["POST"],
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **responses(400, 401, 403, 413, 415, 422, 500, 502, 503),
        },
    )
    return routes
