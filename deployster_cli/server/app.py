"""The application: the routers over one Serving, behind what every request passes."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployster_cli import __version__
from deployster_cli.server import dashboard
from deployster_cli.server.middleware import problems
from deployster_cli.server.middleware.access_log import AccessLog
from deployster_cli.server.middleware.auth import Guard
from deployster_cli.server.middleware.body_limits import Limits
from deployster_cli.server.middleware.shutdown import Shutdown
from deployster_cli.server.routes import changes, events, live, logs, openapi, reads, tasks
from deployster_cli.server.routes.metrics import Metrics
from deployster_cli.server.state import Serving

# Modules with a ``router(serving)``.
PARTS = (reads, changes, events, tasks, logs, live, dashboard)


# The page's own files, and nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_NO_STORE = (b"cache-control", b"no-store")

# In the place of granian's own.
_SERVER = (b"server", b"deployster")


class SecurityHeaders:
    """Adds HEADERS to every answer, and no-store to those that say nothing of caching."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app."""

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                cached = any(name.lower() == b"cache-control" for name, _ in headers)
                message["headers"] = [*headers, *HEADERS, _SERVER, *(() if cached else (_NO_STORE,))]
            await send(message)

        await self._app(scope, receive, adding)


def create_app(serving: Serving) -> FastAPI:
    """Return the app. What comes first in ``middleware`` sees a request first."""
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
