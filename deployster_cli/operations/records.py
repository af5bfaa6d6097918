"""What an engine keeps of a service's changes beside its units: read for a plan, written when one is carried out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from deployster_cli.domain.events import Event, Resized
from deployster_cli.domain.model import Unit
from deployster_cli.domain.moments import latest
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.record import Record, corrected
from deployster_cli.domain.unitfile import Stamp
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineUnreachable, Locked
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.failure import RolloutFailed

T = TypeVar("T")

TRIES = 3
"""Times that a record is written where the engine does not answer, ``PAUSE`` seconds apart."""

PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a service's changes: its releases' stamps by version, as its record corrects them."""

    stamps: Mapping[str, Stamp]
    record: Record | None = None

    @property
    def latest(self) -> str:
        """When it was changed last; empty where nothing says."""
        return latest((*(stamp.deployed_at for stamp in self.stamps.values()), self.record.at if self.record else ""))


@dataclass(frozen=True, slots=True)
class Memory:
    """What to keep of one change: ``now`` from its beginning on (None: nothing, and at its end not even ``before``).

    ``before`` is what was kept before it, and is put back where it fails and is undone.
    """

    service: str
    now: Record | None = None
    before: Record | None = None


def known(engine: Engine, service: str, stamps: Mapping[str, Stamp]) -> Known:
    """What the stamps say and the record, if the engine's last listing had one."""
    record = engine.records.read(service) if engine.records.listed(service) else None
    return Known(corrected(stamps, record), record)


def memory_of(change: Record, plan: Plan, now: Known, units: Collection[Unit]) -> Memory | None:
    """What to keep of this change, so that its number and what was before it are known whatever becomes of it.

    Nothing where the units will say it themselves: of a fresh release each one does, and so do those that are there
    if they were asked for with the same words.
    """
    stamp = now.stamps.get(change.version)
    of_it = (unit for unit in units if (unit.name.service, unit.name.version) == (change.service, change.version))
    mine = (unit for unit in of_it if not unit.foreign)
    if stamp is None or not any(unit.desired is not None for unit in mine):
        return None
    if stamp.instances == change.instances and (plan.empty or stamp.previous == change.previous):
        return None
    return Memory(change.service, change, now.record)


def forgetting(engine: Engine, plan: Plan, units: Collection[Unit]) -> Memory | None:
    """That nothing is to be kept, where the plan leaves nothing of the service."""
    ours = {unit.name for unit in units if unit.name.service == plan.service and not unit.foreign}
    left = ours - set(plan.retire)
    return Memory(plan.service) if not left and engine.records.listed(plan.service) else None


def remembered(
    engine: Engine,
    plan: Plan,
    memory: Memory | None,
    clock: Clock,
    carrying: Generator[Event, None, T],
    *,
    ensure: Callable[[], None] = lambda: None,
) -> Generator[Event, None, T]:
    """Carry it out with its memory kept, the service's lock held: ``ensure`` is called before each request, and raises
    where it is not any more. A number that changes is told first.
    """
    if plan.instances and plan.instances.changed:
        yield Resized(plan.instances.number, plan.instances.before or 0, plan.instances.reason)
    if memory and memory.now:
        _write(engine, memory.now, clock, ensure)
    try:
        result = yield from carrying
    except RolloutFailed as failed:
        if memory and memory.now and failed.undone:
            with contextlib.suppress(EngineError, Locked):
                _put_back(engine, memory, clock, ensure)
        raise
    if memory and not memory.now:
        with contextlib.suppress(EngineError, Locked):  # without a release it says nothing
            ensure()
            engine.records.drop(memory.service)
    return result


def _put_back(engine: Engine, memory: Memory, clock: Clock, ensure: Callable[[], None]) -> None:
    if memory.before:
        _write(engine, memory.before, clock, ensure)
    else:
        ensure()
        engine.records.drop(memory.service)


def _write(engine: Engine, record: Record, clock: Clock, ensure: Callable[[], None]) -> None:
    """Write it; an engine that does not answer is asked again."""
    for left in reversed(range(TRIES)):
        try:
            ensure()
            engine.records.write(record)
        except EngineUnreachable:
            if not left:
                raise
            clock.sleep(PAUSE)
        else:
            break
