"""What one connection may cost: the bytes and seconds of a request's head, and of an answer that nobody takes."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from deployster_cli.server.access_log import USER
from deployster_cli.server.crowd import OUTSIDE, Crowd

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
