"""The application: the routers over one Serving, behind what every request passes."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware

from deployster_cli import __version__
from deployster_cli.server import dashboard
from deployster_cli.server.middleware import problems
from deployster_cli.server.middleware.access_log import AccessLog
from deployster_cli.server.middleware.auth import Guard
from deployster_cli.server.middleware.body_limits import Limits
from deployster_cli.server.middleware.security_headers import SecurityHeaders
from deployster_cli.server.middleware.shutdown import Shutdown
from deployster_cli.server.routes import changes, events, live, logs, openapi, reads, tasks
from deployster_cli.server.routes.metrics import Metrics
from deployster_cli.server.state import Serving

PARTS = (reads, changes, events, tasks, logs, live, dashboard)
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
