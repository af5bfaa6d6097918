"""What an engine keeps of a service's changes beside its units: read for a plan, written when one is carried out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from deployster_cli.domain.change import Verb
from deployster_cli.domain.events import Resized, Tell
from deployster_cli.domain.moments import latest
from deployster_cli.domain.record import Record, corrected
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import UP, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import Stamp
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineUnreachable, Locked
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.failure import RolloutFailed

# Times that a record is written where the engine does not answer, ``PAUSE`` seconds apart.
TRIES = 3

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
    """What to keep of one change: ``now`` from its beginning on if that is ``needed``, else from when it begins to stop
    earlier instances until it has ended. None: nothing, and at its end not even ``before``.

    ``before`` is what was kept before it, and is put back where it fails and is undone. Of what that says ``stopped``
    are the instances that are there and that this change leaves alone, ``failed`` the versions that are still down.
    """

    service: str
    now: Record | None = None
    before: Record | None = None
    needed: bool = True
    stopped: tuple[UnitName, ...] = ()
    failed: tuple[str, ...] = ()


def known(engine: Engine, service: str, stamps: Mapping[str, Stamp], units: Collection[Unit] = ()) -> Known:
    """Return what the stamps say and the record, if the engine's last listing had one. What of the ``units`` is up has
    not failed, whatever that says.
    """
    record = engine.records.read(service) if engine.records.listed(service) else None
    if record and record.failed:
        up = {unit.name.version for unit in units if unit.name.service == service and unit.condition in UP}
        record = replace(record, failed=tuple(version for version in record.failed if version not in up))
    return Known(corrected(stamps, record), record)


def memory_of(change: Record, plan: Plan, now: Known, units: Collection[Unit]) -> Memory:
    """Return what to keep of this change, so that its number and what was before it are known whatever becomes of it.

    It is not needed where the units will say it themselves: of a fresh release each one does, and so do those that are
    there if they were asked for with the same words.
    """
    stamp = now.stamps.get(change.version)
    of_it = (unit for unit in units if (unit.name.service, unit.name.version) == (change.service, change.version))
    mine = (unit for unit in of_it if not unit.foreign)
    fresh = stamp is None or not any(unit.desired is not None for unit in mine)
    said = stamp and stamp.instances == change.instances and (plan.empty or stamp.previous == change.previous)
    needed = not (fresh or said)
    return _with_what_is_there(Memory(change.service, change, now.record, needed), plan, units)


def _with_what_is_there(memory: Memory, plan: Plan, units: Collection[Unit]) -> Memory:
    before = memory.before
    if before is None:
        return memory
    there = [unit for unit in units if unit.name.service == memory.service and unit.desired is not None]
    stopped = tuple(unit.name for unit in there if unit.name in before.stopped and unit.name not in plan.retire)
    down = {unit.name.version for unit in there} - {unit.name.version for unit in there if unit.condition in UP}
    return replace(memory, stopped=stopped, failed=tuple(version for version in before.failed if version in down))


def forgetting(engine: Engine, plan: Plan, units: Collection[Unit]) -> Memory | None:
    """Return that nothing is to be kept, where the plan leaves nothing of the service."""
    ours = {unit.name for unit in units if unit.name.service == plan.service and not unit.foreign}
    left = ours - set(plan.retire)
    if not engine.records.listed(plan.service):
        return None
    record = engine.records.read(plan.service) if left else None
    if record:
        return _with_what_is_there(Memory(plan.service, record, record), plan, units)
    return None if left else Memory(plan.service)


class Keeping:
    """Keeps a change's memory while it is carried out, the service's lock held: ``ensure`` is called before each
    request, and raises where it is not any more.
    """

    def __init__(
        self, engine: Engine, plan: Plan, memory: Memory | None, clock: Clock, ensure: Callable[[], None] = lambda: None
    ) -> None:
        self._engine, self._plan, self._clock, self._ensure = engine, plan, clock, ensure
        self._memory = memory or Memory(plan.service)
        self._there = self._memory.before
        self._forgets = memory is not None and memory.now is None

    @contextlib.contextmanager
    def kept(self, tell: Tell) -> Iterator[None]:
        """Keep it while the change is carried out. A number that changes is told first."""
        plan, now = self._plan, self._memory.now
        if plan.instances and plan.instances.changed:
            tell(Resized(plan.instances.number, plan.instances.before or 0, plan.instances.reason))
        before = self._memory.before
        if now and self._memory.needed:
            self._put(replace(now, stopped=before.stopped, failed=before.failed) if before else now)
        try:
            yield
        except RolloutFailed as failed:
            with contextlib.suppress(EngineError, Locked):
                self._failed(failed)
            raise
        with contextlib.suppress(EngineError, Locked):  # what is left of it harms nobody
            self._done()

    def stops(self, names: Collection[UnitName]) -> None:
        """Note that these, which are up or were stopped by an interrupted run, are about to be stopped. Where that
        can't be noted they are stopped all the same.
        """
        now = self._memory.now
        if now and now.verb != Verb.SCALE.value:
            self._ensure()
            with contextlib.suppress(EngineError):
                stopped = tuple(sorted({*names, *self._memory.stopped}))
                self._write_once(replace(now, stopped=stopped, failed=self._memory.failed))

    def _done(self) -> None:
        """Keep what is needed, and of what failed or was stopped before what this change has left alone."""
        memory, before = self._memory, self._memory.before
        gone = {name.version for name in self._plan.retire} | {self._plan.version}
        failed = tuple(version for version in memory.failed if version not in gone)
        if self._forgets:
            self._drop()
        elif memory.now and (self._there != before or (before and (before.stopped or before.failed))):
            kept = memory.needed or memory.stopped or failed
            self._put(replace(memory.now, stopped=memory.stopped, failed=failed) if kept else None)

    def _failed(self, failed: RolloutFailed) -> None:
        """Keep which of the earlier instances are still off, and that a release never came up."""
        memory, version = self._memory, self._plan.version
        if memory.now is None or not (self._plan.start or self._plan.watch or self._plan.keep):
            return
        if failed.failure.reason is Reason.AWAY or failed.rollout.away_since is not None:
            return  # nobody knows what runs: what was noted may be off
        off = tuple(dict.fromkeys((*failed.halted, *memory.stopped)))
        again = memory.before is not None and version in memory.before.failed and not failed.undone
        never = tuple(dict.fromkeys((*((version,) if failed.kept_fresh or again else ()), *memory.failed)))
        kept = memory.before if failed.undone or not (memory.needed or off or never) else memory.now
        kept = kept or (memory.now if off or never else None)
        self._put(replace(kept, stopped=off, failed=never) if kept else None)

    def _put(self, record: Record | None) -> None:
        """Have this record and no other, or none."""
        if record and record != self._there:
            self._write(record)
        elif self._there and not record:
            self._drop()

    def _drop(self) -> None:
        self._ensure()
        self._engine.records.drop(self._memory.service)

    def _write(self, record: Record) -> None:
        """Write it; an engine that does not answer is asked again."""
        for left in reversed(range(TRIES)):
            try:
                self._ensure()
                self._write_once(record)
            except EngineUnreachable:
                if not left:
                    raise
                self._clock.sleep(PAUSE)
            else:
                break

    def _write_once(self, record: Record) -> None:
        self._engine.records.write(record)
        self._there = record
