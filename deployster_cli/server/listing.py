"""What the engine lists, shared by all who read: asked for at most once at a time, and kept for a moment."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

from deployster_cli.domain.model import Release, Unit, everything
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineUnreachable, NotFound
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.releases import history
from deployster_cli.operations.units import list_units
from deployster_cli.server.single_flight import Flights
from deployster_cli.views.shapes import history_shape, service_shape, unit_shape

FRESH = 1.0
"""Seconds for which a listing, or the error that came in its place, is good."""

AHEAD = 0.7
"""Part of that time after which a reader has the next one made, and is answered with this one."""


@dataclass(frozen=True)
class Seen:
    """One listing, by service, version and instance. ``at`` is the clock's now when the engine was asked,
    ``seconds`` how long it took to answer.
    """

    units: tuple[Unit, ...]
    at: float
    seconds: float = 0.0
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
        return self.kept(("units", service), lambda: {"units": [unit_shape(unit) for unit in units]}, keep=bool(units))

    def services_body(self) -> bytes:
        """``{"services": […]}`` as JSON."""
        return self.kept("services", lambda: {"services": [service_shape(release) for release in self.releases()]})

    def kept(self, key: Hashable, shape: Callable[[], object], *, keep: bool = True) -> bytes:
        """A body that is worked out once for this listing."""
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

    def __init__(self, engine: Engine, clock: Clock, flights: Flights | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._flights = flights or Flights()
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
        """A listing that is no older than this, or else the next one; EngineError where none comes in good time."""
        changed = self._changed
        last = self._last
        if last is None or last.at < max(changed, self._clock.now() - max_age):
            last = await self._next()
            if last.at < changed:
                last = await self._next()
        elif last.at < self._clock.now() - max_age * AHEAD:
            with contextlib.suppress(EngineUnreachable):  # the line is full, and this one is good
                self._flights.begin("units", self._look)
        if isinstance(last, Refused):
            raise last.error.with_traceback(None)
        return last

    async def history_body(self, service: str) -> bytes:
        """``{"service": …, "history": […]}`` as JSON, newest first; NotFound where it has none."""
        seen = await self.now()
        if not seen.of(service):
            raise NotFound(f"There is no service {service}.", "GET /v1/services shows what there is.")
        entries = await self._flights.once(("history", service), partial(history, self._engine, service))
        return encoded({"service": service, "history": [history_shape(entry) for entry in entries]})

    async def _next(self) -> Seen | Refused:
        return await self._flights.once("units", self._look)

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
            self._last = Seen(units, at, self._clock.now() - at)
        return self._last


def encoded(value: object) -> bytes:
    """A JSON body: UTF-8 without spaces, as the Go service wrote it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
