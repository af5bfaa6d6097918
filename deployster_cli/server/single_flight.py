"""One worker thread, and at most one piece of work of a kind under way: however many ask, the engine is asked once."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from deployster_cli.errors import EngineUnreachable

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds from a flight's beginning until those who wait for it are told that the engine does not answer."""

MOST_WAITING = 64
"""Kinds of work that may stand in line for the worker."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What a piece of work came to: a result, or the error in its place."""

    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Flight:
    """One piece of work under way. ``began`` is time.monotonic() when it was asked for."""

    work: Callable[[], Any]
    landing: asyncio.Future[Landed]
    began: float

    def fly(self) -> None:
        """Do it, in the worker, and tell the loop; a loop that is closed has nobody left who waits."""
        try:
            landed = Landed(self.work())
        except Exception as error:
            landed = Landed(error=error)
        with contextlib.suppress(RuntimeError):
            self.landing.get_loop().call_soon_threadsafe(self.landing.set_result, landed)


class Flights:
    """Work done one after the other in a thread of its own, which never holds up the end of the process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._flying: dict[Hashable, Flight] = {}
        self._line: queue.SimpleQueue[Flight] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def once(self, kind: Hashable, work: Callable[[], T]) -> T:
        """What the work of this kind that is under way comes to; it begins now if none is.

        EngineUnreachable where it takes longer than the patience, counted from its beginning: whoever comes late to
        work that hangs waits no longer than the first.
        """
        flight = self.begin(kind, work)
        left = flight.began + self._patience - time.monotonic()
        done, _ = await asyncio.wait({flight.landing}, timeout=max(0.0, left))
        if not done:
            raise EngineUnreachable(f"The engine has not answered for {self._patience:g} s.", "Ask again in a moment.")
        landed = flight.landing.result()
        if landed.error:
            raise landed.error.with_traceback(None)  # else it would grow with everybody who waited
        result: T = landed.result
        return result

    def begin(self, kind: Hashable, work: Callable[[], Any]) -> Flight:
        """The work of this kind that is under way, or else begun now; EngineUnreachable where the line is full."""
        return self._flying.get(kind) or self._started(kind, work)

    def _started(self, kind: Hashable, work: Callable[[], Any]) -> Flight:
        if len(self._flying) >= MOST_WAITING:
            raise EngineUnreachable("Too much is being asked of the engine at once.", "Ask again in a moment.")
        landing: asyncio.Future[Landed] = asyncio.get_running_loop().create_future()
        landing.add_done_callback(lambda _: self._flying.pop(kind))
        flight = self._flying[kind] = Flight(work, landing, time.monotonic())
        self._line.put(flight)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
            self._thread.start()
        return flight

    def _work(self) -> None:
        while True:
            self._line.get().fly()
