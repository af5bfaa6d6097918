"""The application: the routers over one Serving, behind what every request passes."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware

from deployster_cli import __version__
from deployster_cli.server import changes, dashboard, job_events, live, logs, openapi, problems, reads, tasks
from deployster_cli.server.access_log import AccessLog
from deployster_cli.server.crowd import Full
from deployster_cli.server.guard import Guard
from deployster_cli.server.headers import SecurityHeaders
from deployster_cli.server.limits import Limits
from deployster_cli.server.metrics import Metrics
from deployster_cli.server.serving import Serving
from deployster_cli.server.shutdown import Shutdown

PARTS = (reads, changes, job_events, tasks, logs, live, dashboard)
"""Modules with a ``router(serving)``."""


def create_app(serving: Serving) -> FastAPI:
    """The app. What comes first in ``middleware`` sees a request first."""
    metrics = Metrics(serving)
    app = FastAPI(
        title="Deployster",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(AccessLog, observe=metrics.observe),
            Middleware(SecurityHeaders),
            Middleware(problems.Faults),
            Middleware(Full),
            Middleware(Shutdown, door=serving.door),
            Middleware(Guard, login=serving.login, attempts=serving.attempts),
            Middleware(Limits),
        ],
    )
    problems.install(app)
    routers = [metrics.router(), *(part.router(serving) for part in PARTS)]
    app.router.routes.extend(route for router in routers for route in router.routes)  # flat: half the work a request
    openapi.install(app, serving.settings)
    return app
