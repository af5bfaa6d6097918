"""What a connection may cost before anybody has logged in: the bytes and the seconds of a request's head."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

MOST_UNHEARD = 128 * 1024
"""Bytes that may come on a connection while no request is under way: a head, or what is left of a refused body."""

LONGEST_HEAD = 20.0
"""Seconds from a connection's begin, or a head's first byte, until the head has to be whole."""

if TYPE_CHECKING:
    _Protocol = asyncio.Protocol
else:
    _Protocol = object


class Bounds(_Protocol):
    """Goes before one of uvicorn's protocols, of which it knows only that ``cycle`` is the request that came last."""

    cycle: Any
    longest_head = LONGEST_HEAD

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The clock runs."""
        super().connection_made(transport)
        self._to = transport
        self._known: Any = None
        self._unheard = 0
        self._clock: asyncio.TimerHandle | None = None
        self._wind()

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
        super().connection_lost(exc)

    def _wind(self) -> None:
        if self._clock is None:
            self._clock = asyncio.get_running_loop().call_later(self.longest_head, self._to.close)

    def _unwind(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def bounded(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """One of uvicorn's protocols, with bounds."""
    return type("Bounded", (Bounds, protocol), {})
