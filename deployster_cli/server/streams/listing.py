"""What the engine lists, shared by all who read: asked for at most once at a time, and kept for a moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from deployster_cli.domain.payloads import encode, service_shape, unit_shape, with_silent
from deployster_cli.domain.units.model import Release, Unit, everything
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineUnreachable, NotFound
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.releases import history
from deployster_cli.operations.units import list_units, silent

# Seconds for which a listing, or the error that came in its place, is good.
FRESH = 1.0

# Part of that time after which a reader has the next one made, and is answered with this one.
AHEAD = 0.7


@dataclass(frozen=True)
class Seen:
    """One listing, by service, version and instance. ``at`` is the clock's now when the engine was asked,
    ``seconds`` how long it took to answer, ``silent`` which machines did not, and why.
    """

    units: tuple[Unit, ...]
    at: float
    seconds: float = 0.0
    silent: Mapping[str, str] = field(default_factory=dict)
    _bodies: dict[Hashable, bytes] = field(default_factory=dict)

    def of(self, service: str) -> tuple[Unit, ...]:
        """One service's units."""
        return tuple(unit for unit in self.units if unit.name.service == service)

    def releases(self) -> tuple[Release, ...]:
        """Every release of every service, and the foreign units with names like theirs."""
        return everything(self.units)

    def units_body(self, service: str | None = None) -> bytes:
        """``{"units": […]}`` as JSON, of one service or of all; kept where there is anything to keep."""
        units = self.units if service is None else self.of(service)
        shape: dict[str, object] = {"units": [unit_shape(unit) for unit in units]}
        return self.kept(("units", service), lambda: with_silent(shape, self.silent), keep=bool(units))

    def services_body(self) -> bytes:
        """``{"services": […]}`` as JSON."""
        return self.kept("services", lambda: {"services": [service_shape(release) for release in self.releases()]})

    def kept(self, key: Hashable, shape: Callable[[], object], *, keep: bool = True) -> bytes:
        """Return a body that is worked out once for this listing."""
        found = self._bodies.get(key)
        if found is None:
            found = encoded(shape())
            if keep:
                self._bodies[key] = found
        return found


@dataclass(frozen=True)
class Refused:
    """The error that came in place of a listing."""

    error: EngineError
    at: float


class Listing:
    """The engine's listing for any number of readers. All is called on the event loop, but for ``changed``."""

    def __init__(self, engine: Engine, clock: Clock, single_flight: SingleFlight | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._single_flight = single_flight or SingleFlight()
        self._last: Seen | Refused | None = None
        self._changed = -1.0
        self.looks = 0
        self.failures = 0

    @property
    def last(self) -> Seen | None:
        """The newest listing there is, however old."""
        return self._last if isinstance(self._last, Seen) else None

    def changed(self) -> None:
        """Something was done to the units: what was listed before this moment is not shown any more. For any thread."""
        self._changed = self._clock.now()

    async def now(self, max_age: float = FRESH) -> Seen:
        """Return a listing that is no older than this, or else the next one; EngineError where none comes in
        good time.
        """
        changed = self._changed
        last = self._last
        if last is None or last.at < max(changed, self._clock.now() - max_age):
            last = await self._next()
            if last.at < changed:
                last = await self._next()
        elif last.at < self._clock.now() - max_age * AHEAD:
            with contextlib.suppress(EngineUnreachable):  # the line is full, and this one is good
                self._single_flight.begin("units", self._look)
        if isinstance(last, Refused):
            raise last.error.with_traceback(None)
        return last

    async def history_body(self, service: str) -> bytes:
        """``{"service": …, "history": […]}`` as JSON, newest first; NotFound where it has none."""
        seen = await self.now()
        if not seen.of(service):
            raise NotFound(f"No service {service} found.", "GET /v1/services shows what there is.")
        entries = await self._single_flight.once(("history", service), partial(history, self._engine, service))
        return encoded(with_silent({"service": service, "history": encode(entries)}, seen.silent))

    async def _next(self) -> Seen | Refused:
        return await self._single_flight.once("units", self._look)

    def _look(self) -> Seen | Refused:
        """Ask the engine, in the worker."""
        at = self._clock.now()
        self.looks += 1
        try:
            units = list_units(self._engine)
        except EngineError as error:
            self.failures += 1
            self._last = Refused(error, at)
        else:
            self._last = Seen(units, at, self._clock.now() - at, silent(self._engine))
        return self._last


def encoded(value: object) -> bytes:
    """Return a JSON body: UTF-8 without spaces, as the Go service wrote it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


T = TypeVar("T")

# Seconds from a call's beginning until those who wait for it are told that the engine does not answer.
PATIENCE = 10.0

# Kinds of work that may stand in line for the worker.
MOST_WAITING = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a piece of work came to: a result, or the error in its place."""

    result: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One piece of work under way. ``began`` is time.monotonic() when it was asked for."""

    work: Callable[[], Any]
    outcome: asyncio.Future[Outcome]
    began: float

    def run(self) -> None:
        """Do it, in the worker, and tell the loop; a loop that is closed has nobody left who waits."""
        try:
            found = Outcome(self.work())
        except Exception as error:
            found = Outcome(error=error)
        with contextlib.suppress(RuntimeError):
            self.outcome.get_loop().call_soon_threadsafe(self.outcome.set_result, found)


class SingleFlight:
    """Work done one after the other in a thread of its own, which never holds up the end of the process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._under_way: dict[Hashable, Call] = {}
        self._line: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def once(self, kind: Hashable, work: Callable[[], T]) -> T:
        """Return what the work of this kind that is under way comes to; it begins now if none is.

        EngineUnreachable where it takes longer than the patience, counted from its beginning: whoever comes late to
        work that hangs waits no longer than the first.
        """
        call = self.begin(kind, work)
        left = call.began + self._patience - time.monotonic()
        done, _ = await asyncio.wait({call.outcome}, timeout=max(0.0, left))
        if not done:
            raise EngineUnreachable(f"The engine has not answered for {self._patience:g} s.", "Ask again in a moment.")
        found = call.outcome.result()
        if found.error:
            raise found.error.with_traceback(None)  # else it would grow with everybody who waited
        result: T = found.result
        return result

    def begin(self, kind: Hashable, work: Callable[[], Any]) -> Call:
        """Return the work of this kind that is under way, or else begun now; EngineUnreachable where the line
        is full.
        """
        return self._under_way.get(kind) or self._started(kind, work)

    def _started(self, kind: Hashable, work: Callable[[], Any]) -> Call:
        if len(self._under_way) >= MOST_WAITING:
            raise EngineUnreachable("Too much is being asked of the engine at once.", "Ask again in a moment.")
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        outcome.add_done_callback(lambda _: self._under_way.pop(kind))
        call = self._under_way[kind] = Call(work, outcome, time.monotonic())
        self._line.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
            self._thread.start()
        return call

    def _work(self) -> None:
        while True:
            self._line.get().run()
