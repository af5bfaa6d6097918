"""What a server has at hand: every router is a function of this one value."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployster_cli.config.load import Settings
from deployster_cli.engines.base import Engine
from deployster_cli.operations.clock import Clock
from deployster_cli.server.middleware.attempts import Attempts
from deployster_cli.server.middleware.credentials import Login
from deployster_cli.server.streams.listing import Listing
from deployster_cli.server.streams.threaded_response import Places

if TYPE_CHECKING:
    from deployster_cli.server.jobs.queue import Jobs


# Streams of events at a time, so that there are connections left for all other requests.
MOST_STREAMS = 1000


class Door:
    """Open until the server is told to stop. Then nothing new is answered and every open stream ends."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the server is on its way out."""
        return self._closed.is_set()

    def close(self) -> None:
        """Stop. For the event loop's thread."""
        self._closed.set()

    async def wait_closed(self) -> None:
        """Until it closes."""
        await self._closed.wait()


@dataclass
class Serving:
    """One server's parts. ``open_engine`` makes an engine for one job or task; reads go through ``listing``.

    ``listing.changed()`` is called by whatever changes units, so that who asks after it sees what it did.
    Streams need not watch ``door``: once it is closed their client counts as gone.
    """

    settings: Settings
    open_engine: Callable[[], Engine]
    clock: Clock
    login: Login
    listing: Listing
    jobs: Jobs
    door: Door = field(default_factory=Door)
    attempts: Attempts = field(default_factory=Attempts)
    streams: Places = field(default_factory=lambda: Places(MOST_STREAMS, "streams of events"))
