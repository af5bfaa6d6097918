"""What one connection may cost: the bytes and seconds of a request's head, and of an answer that nobody takes."""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from typing import TYPE_CHECKING, Any, Protocol, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from deployster_cli.server.middleware.access_log import USER
from deployster_cli.server.middleware.auth import OPEN
from deployster_cli.server.middleware.problems import unavailable

MOST_UNHEARD = 128 * 1024
"""Bytes that may come on a connection while no request is under way: a head, or what is left of a refused body."""

LONGEST_HEAD = 20.0
"""Seconds from a connection's begin, or a head's first byte, until the head has to be whole."""

LONGEST_STALL = 30.0
"""Seconds between two looks at whether a client takes what waits for it: one that took nothing since is cut off."""

_TCP_INFO_ACKED = slice(120, 128)
"""Where Linux's ``struct tcp_info`` has tcpi_bytes_acked: what the other side has taken, in bytes."""

if TYPE_CHECKING:
    _Protocol = asyncio.Protocol
else:
    _Protocol = object


class Bounds(_Protocol):
    """Goes before one of uvicorn's protocols, of which it knows only that ``app`` is what it runs and ``cycle`` the
    request that came last.
    """

    app: ASGIApp
    cycle: Any
    crowd: Crowd
    longest_head = LONGEST_HEAD
    longest_stall = LONGEST_STALL

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clocks run."""
        super().connection_made(transport)
        self._to = cast(asyncio.Transport, transport)
        self._known: Any = None
        self._unheard = 0
        self._clock: asyncio.TimerHandle | None = None
        self._taken = 0
        self._looking = asyncio.get_running_loop().call_later(self.longest_stall, self._look)
        self._wind()
        if not self.crowd.enter(self):
            self.app = _outside(self.app)

    def data_received(self, data: bytes) -> None:
        """Pass on; what makes no request for too long, or is too much, ends the connection."""
        super().data_received(data)
        if self.cycle is not self._known:
            self._known, self._unheard = self.cycle, 0
            self._unwind()
        elif self.cycle is None or self.cycle.response_complete:
            self._unheard += len(data)
            self._wind()
            if self._unheard > MOST_UNHEARD:
                self._to.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._unwind()
        self._looking.cancel()
        self.crowd.leave(self)
        super().connection_lost(exc)

    @property
    def let_in(self) -> bool:
        """Whether a request with the login is under way."""
        return self.cycle is not None and not self.cycle.response_complete and USER in self.cycle.scope

    def cut_off(self) -> None:
        """End it now."""
        self._to.abort()

    def _wind(self) -> None:
        if self._clock is None:
            self._clock = asyncio.get_running_loop().call_later(self.longest_head, self._to.close)

    def _unwind(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look(self) -> None:
        """Cut off a client that has taken nothing since the last look, though something waits for it."""
        taken = _taken(self._to)
        if self._to.get_write_buffer_size() and taken == self._taken:
            self.cut_off()
            return
        self._taken = taken
        self._looking = asyncio.get_running_loop().call_later(self.longest_stall, self._look)


def _taken(transport: asyncio.Transport) -> int:
    """Bytes that the other side's system has taken so far; -1 where TLS has lost it and is about to say so."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return -1
    info: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int.from_bytes(info[_TCP_INFO_ACKED], "little")


def _outside(app: ASGIApp) -> ASGIApp:
    async def marked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, OUTSIDE: True}, receive, send)

    return marked


def bounded(protocol: type[asyncio.Protocol], crowd: Crowd) -> type[Bounds]:
    """One of uvicorn's protocols, with bounds."""
    return type("Bounded", (Bounds, protocol), {"crowd": crowd})


MOST_CONNECTIONS = 1500
"""Connections that are served at a time. An open stream is one."""

MOST_OUTSIDE = 100
"""Connections beyond those, which are told to come again."""

SPARE_FILES = 500
"""Open files left for all else: the connections outside, the calls of the engine, the jobs."""

OUTSIDE = "deployster.outside"
"""Set in the scope of a request that came on a connection for which there was no place."""


class Guest(Protocol):
    """One connection."""

    @property
    def let_in(self) -> bool:
        """Whether a request with the login is under way on it."""

    def cut_off(self) -> None:
        """End it now."""


class Crowd:
    """The connections there are, in the order in which they came. For the event loop's thread."""

    def __init__(self, most: int = MOST_CONNECTIONS, outside: int = MOST_OUTSIDE) -> None:
        self._most = most
        self._most_outside = outside
        self._inside: dict[Guest, None] = {}
        self._outside: dict[Guest, None] = {}

    def enter(self, guest: Guest) -> bool:
        """Whether there is a place for one more: that of the first without a login where all are taken."""
        if len(self._inside) < self._most or self._made_room():
            self._inside[guest] = None
            return True
        if len(self._outside) >= self._most_outside:
            self._send_away(next(iter(self._outside)))
        self._outside[guest] = None
        return False

    def leave(self, guest: Guest) -> None:
        """It has ended, or becomes another."""
        self._inside.pop(guest, None)
        self._outside.pop(guest, None)

    def _made_room(self) -> bool:
        stranger = next((guest for guest in self._inside if not guest.let_in), None)
        if stranger is not None:
            self._send_away(stranger)
        return stranger is not None

    def _send_away(self, guest: Guest) -> None:
        self.leave(guest)
        guest.cut_off()


def room() -> int:
    """How many connections the process has files for, at most MOST_CONNECTIONS; raises its limit as far as need be."""
    wanted = MOST_CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
    return max(may - SPARE_FILES, may // 2)


class Full:
    """Answers 503 to who came on a connection for which there was no place; /healthz is answered all the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, or refuse."""
        if OUTSIDE in scope and scope["path"] not in OPEN:
            refusal = unavailable("The server has all the connections that it can serve.")
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)


LONGEST_HANDSHAKE = 10.0
"""Seconds."""

LONGEST_GOODBYE = 5.0
"""Seconds for a client to say that it has heard the end."""


class Handshake(asyncio.Protocol):
    """A connection until TLS is agreed on; then one of ``inner``'s. Made by uvicorn in the place of that."""

    inner: type[Bounds]
    context: ssl.SSLContext
    longest = LONGEST_HANDSHAKE
    let_in = False

    def __init__(self, **given: Any) -> None:
        self._protocol = self.inner(**given)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock runs."""
        self._to = cast(asyncio.Transport, transport)
        self._to.pause_reading()  # until there is somebody to read it
        self.inner.crowd.enter(self)
        self._shaking = asyncio.get_running_loop().create_task(self._shake())

    def cut_off(self) -> None:
        """End it now."""
        self._to.abort()

    async def _shake(self) -> None:
        between = _Between()
        try:
            secure = await asyncio.get_running_loop().start_tls(
                self._to,
                between,
                self.context,
                server_side=True,
                ssl_handshake_timeout=self.longest,
                ssl_shutdown_timeout=LONGEST_GOODBYE,
            )
        except OSError:
            secure = None  # it speaks no TLS, was too slow or has gone
        finally:
            self.inner.crowd.leave(self)
        if secure is not None and not between.lost:
            secure.set_protocol(self._protocol)
            self._protocol.connection_made(cast(asyncio.Transport, _Calm(secure)))
            if between.said:
                self._protocol.data_received(between.said)


class _Between(asyncio.Protocol):
    """Keeps what comes right behind the handshake."""

    def __init__(self) -> None:
        self.said = b""
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.said += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.lost = True


class _Calm:
    """A TLS transport that takes a second close, and what is written behind the first, as a TCP transport does.

    asyncio's falls over both (sslproto.py of 3.11 and 3.12 forgets its protocol), and uvicorn does both where a client
    that asked for more than one thing at once is cut off.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.close()

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


def shaking_hands(inner: type[Bounds], context: ssl.SSLContext) -> type[Handshake]:
    """The protocol, behind TLS."""
    return type("Handshaking", (Handshake,), {"inner": inner, "context": context})
