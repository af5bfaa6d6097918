"""The way out: once the server is told to stop nothing new is answered, and every open stream ends."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployster_cli.server.middleware.problems import unavailable
from deployster_cli.server.state import Door


class Shutdown:
    """Answers 503 once the door is closed. To a response under way its client then seems gone."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, or refuse; what is no HTTP request passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._door.closed:
            await unavailable("The server is stopping.")(scope, receive, send)
        else:
            await _Open(receive, send, self._door).run(self._app, scope)


class _Open:
    """One response under way."""

    def __init__(self, receive: Receive, send: Send, door: Door) -> None:
        self._receive = receive
        self._send = send
        self._door = door
        self._started = False
        self._complete = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Run the app, and end for it what it left open because its client seemed gone."""
        await app(scope, self.receive, self.send)
        if self._complete or not self._door.closed:
            return
        if self._started:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await unavailable("The server is stopping.")(scope, self._receive, self._send)

    async def receive(self) -> Message:
        """Return the client's next message, or its going when the door closes first."""
        message, closed = asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._door.wait_closed())
        try:
            await asyncio.wait({message, closed}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "http.disconnect"}
        finally:
            message.cancel()
            closed.cancel()

    async def send(self, message: Message) -> None:
        """Pass on, and note how far the response is."""
        self._started = True
        self._complete = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)
