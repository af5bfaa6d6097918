"""HTTPS: a connection agrees on TLS in good time, or goes; until then it counts as one without a login.

uvicorn leaves the handshake to asyncio, which waits a minute for it and tells nobody how many there are.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

from deployster_cli.server.connections import Bounds

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
