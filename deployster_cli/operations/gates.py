"""The health gates of units that come up: what they wait for, and that one has given up. Only journals tell.

A journal is an ssh call away on fleet. So one is read at a time, seldom, beside the looks at the units and never in
their way; what it says is told with a later look. But where a unit leaves its gate without running its journal is read
at once: systemd would start it again for another round, and a gate that gave up is a verdict.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from deployster_cli.domain.events import Failure, Tell, Waiting
from deployster_cli.domain.health import Answer, answer
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Condition, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.base import Engine, Entries
from deployster_cli.errors import EngineError
from deployster_cli.operations.clock import Clock

# Seconds that a unit is at its gate before its journal is read, and
FIRST = 5.0

# the seconds until it is read again.
AGAIN = 10.0

# Entries to find the gate's last line among: it writes at every tenth try at least, a second apart.
LINES = 100

# Journals that one look reads at most before it goes on.
_VERDICTS = 3

_AT_GATE = "start-post"

_LEFT = frozenset({Condition.RESTARTING, Condition.STOPPING, Condition.FAILED})

# What a unit may also come to without its health having to do with it.
_UNCERTAIN = frozenset({Reason.FAILED, Reason.CRASH_LOOP, Reason.ENDED})

# A unit, or with a machine's id a global unit's copy there.
_Key = tuple[UnitName, str]


def _beside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="health gate", daemon=True).start()


class Gates:
    """The gates of one rollout. ``run`` has a journal read beside everything else."""

    def __init__(self, engine: Engine, clock: Clock, run: Callable[[Callable[[], None]], None] = _beside) -> None:
        self._engine = engine
        self._clock = clock
        self._run = run
        self._since: dict[_Key, float] = {}
        self._due: dict[_Key, float] = {}
        self._told: dict[_Key, str] = {}
        self._reading: Unit | None = None
        self._found: list[tuple[Unit, Answer]] = []
        self._entries: Entries | None = None

    def seen(self, units: Sequence[Unit], tell: Tell) -> Failure | None:
        """After a look at the units that are to run: tell what gates wait for; the failure where one has given up."""
        now, copies = self._clock.now(), [copy for unit in units for copy in unit.placements if copy.machine]
        left = [copy for copy in copies if _key(copy) in self._since and copy.condition in _LEFT]
        at = {_key(copy): copy for copy in copies if copy.sub == _AT_GATE}
        self._since = {key: self._since.get(key, now) for key in at}
        self._news(at, now, tell)
        self._read_next(at, now)
        return next(self._verdicts(left[:_VERDICTS]), None)

    def close(self) -> None:
        """End what is being read."""
        if self._entries:
            self._entries.close()

    def _news(self, at: dict[_Key, Unit], now: float, tell: Tell) -> None:
        while self._found:
            unit, found = self._found.pop(0)
            key = _key(unit)
            if key in at and self._told.get(key) != found.waits:
                self._told[key] = found.waits
                tell(Waiting(at[key], found.waits, now - self._since[key]))

    def _read_next(self, at: dict[_Key, Unit], now: float) -> None:
        """Begin to read the journal that is due longest, where none is being read."""
        due = {key: max(self._since[key] + FIRST, self._due.get(key, 0.0)) for key in at}
        key = min(due, key=lambda key: due[key], default=None)
        if key is None or self._reading or due[key] > now:
            return
        self._due[key] = now + AGAIN
        self._reading = at[key]
        self._run(self._read)

    def _read(self) -> None:
        """Follow what the gates say beside everything else. A journal that can't be had tells nothing, and fails
        nothing.
        """
        unit = self._reading
        try:
            found = self._answer(unit) if unit else None
            if unit and found:
                self._found.append((unit, found))
        finally:
            self._reading = None

    def _verdicts(self, left: Iterable[Unit]) -> Iterator[Failure]:
        for unit in left:
            found = self._answer(unit)
            if found and found.over:
                yield Failure(Reason.UNHEALTHY, (unit.name,), unit, health=found.told)

    def _answer(self, unit: Unit) -> Answer | None:
        with contextlib.suppress(EngineError):
            self._entries = self._engine.entries(unit.name, LINES, at=unit.machine if unit.everywhere else None)
            return answer(line for entry in self._entries for line in entry.text.split("\n"))
        return None


def with_health(failure: Failure, journal: Sequence[str]) -> Failure:
    """Return the failure with what its unit's health gate got last, where that is why it failed."""
    found = None if failure.health else answer(journal)
    if found is None or not (failure.reason is Reason.NOT_YET or (failure.reason in _UNCERTAIN and found.over)):
        return failure
    reason = Reason.UNHEALTHY if failure.reason is Reason.FAILED else failure.reason
    return replace(failure, reason=reason, health=found.told)


def _key(unit: Unit) -> _Key:
    return unit.name, unit.machine.id if unit.everywhere and unit.machine else ""
