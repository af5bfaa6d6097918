"""The loop that drives a rollout: look, advance, act, sleep. It decides nothing; domain.rollout does.

``tell`` is called with each event as it happens.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from deployster_cli.domain.events import Event, Failed, Journal, NoMachineYet, Noticed, Tell, rules_and_machines
from deployster_cli.domain.rollout import machine
from deployster_cli.domain.rollout.placement import spread
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.rollout.state import Action, Listing, Phase, Rollout, Verb
from deployster_cli.domain.rollout.tracking import LOST_FOR, SELDOM, Reason, Traits, next_look
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import some_names
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.failure import RolloutFailed, interrupted
from deployster_cli.operations.gates import Gates, with_health
from deployster_cli.operations.ownership import judged

# Lines of a failed unit's journal that are shown, and among how many they are looked for: a crash and the start that
# came after it, which pulls an image, are about a dozen.
JOURNAL_LINES = 20
_JOURNAL_READ = 60


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A plan with the unit files of all that it starts, and the hashes of what it keeps or waits for."""

    plan: Plan
    files: Mapping[UnitName, UnitFile] = field(default_factory=dict)
    traits: Traits = field(default_factory=Traits)
    kept: Mapping[UnitName, str] = field(default_factory=dict)

    @property
    def hashes(self) -> dict[UnitName, str]:
        """The content that each unit of the wanted release must have, by the engine's hash."""
        return {**self.kept, **{name: file.hash for name, file in self.files.items()}}


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished rollout did, in ``seconds``."""

    plan: Plan
    seconds: float


class Hold(Protocol):
    """What a rollout needs of the lock that it runs under. ``keep`` and ``ensure`` raise what ends it at once."""

    @property
    def shown(self) -> bool | None:
        """Whether the engine's last listing had this run's own lock; None where there is none to look for."""
        ...

    def keep(self) -> None:
        """Hear of each look that the engine answered: renew the lock where that is due."""
        ...

    def ensure(self) -> None:
        """Hear of each request that is to be made: make sure that the lock has not run out meanwhile."""
        ...


@dataclass(frozen=True, slots=True)
class NoLock:
    """A Hold for what needs no lock, or whose lock somebody else sees to by ``keep``."""

    keep: Callable[[], None] = lambda: None
    shown: bool | None = None

    def ensure(self) -> None:
        """Nothing."""


class Stopped(KeyboardInterrupt):
    """A signal came in mid-rollout; ``rollout`` is how far it had got."""

    def __init__(self, rollout: Rollout) -> None:
        super().__init__()
        self.rollout = rollout


Pause = Callable[[float], None]
Stops = Callable[[Collection[UnitName]], None]


def carry_out(
    engine: Engine,
    work: RolloutSpec,
    clock: Clock,
    hold: Hold,
    tell: Tell,
    *,
    seen: Sequence[Unit] | None = None,
    stops: Stops | None = None,
) -> Result:
    """Carry the plan out to its end; RolloutFailed or Interrupted for any other. The rest is as for ``drive``."""
    began = clock.now()
    try:
        rollout = drive(engine, work, clock, hold, tell, seen=seen, stops=stops)
    except Stopped as stopped:
        raise interrupted(stopped.rollout, getattr(stopped.__cause__, "signal", 2)) from None
    if rollout.failure:
        nowhere = rollout.failure.reason is Reason.NO_MACHINE
        raise RolloutFailed(rollout, rollout.failure, explain(engine, work, rollout.failure.names) if nowhere else "")
    return Result(work.plan, clock.now() - began)


def drive(
    engine: Engine,
    work: RolloutSpec,
    clock: Clock,
    hold: Hold,
    tell: Tell,
    *,
    pause: Pause | None = None,
    seen: Sequence[Unit] | None = None,
    stops: Stops | None = None,
) -> Rollout:
    """Drive the rollout to its end, good or bad, and return it as it is then.

    Errors of the engine are part of the rollout; only what no waiting can cure (its program vanished) is raised, and
    what ``hold`` raises. Stopped where a signal ends it, also while an event is told. ``pause`` takes the place of
    sleeping between two looks. ``seen`` takes the place of the first look. ``stops`` is called once, before the first
    of the earlier instances is stopped, with all of them that a failure would start again.
    """
    traits = work.traits
    if not engine.is_local:
        traits = replace(traits, limits=replace(traits.limits, dead_for=LOST_FOR))
    rollout, events = machine.begin(work.plan, traits, clock.now(), work.hashes)
    looks = _Looks(engine, work, clock, hold, seen=seen, stops=stops)
    looks.rollout = rollout
    gates = Gates(engine, clock)
    try:
        _tell_all(events, tell)
        while not rollout.over:
            rollout = looks.rollout = _turn(engine, rollout, work, looks, gates, tell=tell)
            if not rollout.over:
                now, due = clock.now(), rollout.settles_at
                wait = next_look(now - rollout.asked_at, looks.took, engine.soon, None if due is None else due - now)
                (pause or clock.sleep)(wait)
    except KeyboardInterrupt as signal:
        raise Stopped(looks.rollout) from signal
    finally:
        gates.close()
    return rollout


class _Looks:
    """The engine's listings, each with what it proves. ``took`` is how many seconds the last one took.

    ``rollout`` is how far it has got, what the last look led to included: a signal may come while that is told or done.
    ``strange`` are names of ours under which the last look showed somebody else's units. ``earlier`` are the unit files
    of the earlier instances that are destroyed, for the way back.
    """

    rollout: Rollout
    took: float
    strange: frozenset[UnitName] = frozenset()
    earlier: Mapping[UnitName, UnitFile] = {}

    def __init__(
        self,
        engine: Engine,
        work: RolloutSpec,
        clock: Clock,
        hold: Hold,
        *,
        seen: Sequence[Unit] | None,
        stops: Stops | None,
    ) -> None:
        self.clock, self.hold = clock, hold
        self._engine = engine
        self._spreading = Spreading(engine, work.files)
        self._seen = seen
        self._stops = stops
        self._service = work.plan.service
        self._silent: set[str] = set()

    def look(self, rollout: Rollout) -> tuple[Sequence[Unit], Listing]:
        """All units now. Errors as Engine's, and what keeping the lock raises."""
        began = self.clock.now()
        try:
            units, self._seen = self._engine.units() if self._seen is None else self._seen, None
            shown = self.hold.shown
            units = self._spreading.over(self._ours(units, rollout), rollout.coming_up)
        finally:
            self.took = self.clock.now() - began
        self.hold.keep()
        return units, Listing.UNPROVEN if shown is None else Listing.PROVEN if shown else Listing.SHORT

    def of_machines(self, seen: Sequence[Unit]) -> Iterator[str]:
        """Which machines that have something of the service have fallen silent since the last look, or answer again."""
        copies = (each for unit in seen if unit.name.service == self._service for each in unit.placements)
        silent = {each.machine.label for each in copies if each.machine and each.machine.silent}
        why = {one.machine.label: one.why for one in self._engine.silent}
        for label in sorted(silent - self._silent):
            yield f"{why.get(label, label + ' does not answer').rstrip('.')}. It is waited for."
        for label in sorted(self._silent - silent - why.keys()):
            yield f"{label} answers again."
        self._silent = silent

    def keep(self, action: Action, rollout: Rollout, seen: Sequence[Unit]) -> None:
        """See to the way back before earlier instances are stopped or destroyed: note which are up, and read the files
        of what is to be destroyed. Errors as Engine's, and what ``stops`` raises.
        """
        if action.verb is Verb.STOP and self._stops and rollout.phase is Phase.STOPPING_OLD:
            self._stops([*rollout.serving, *rollout.plan.halted])
            self._stops = None
        if action.verb is Verb.DESTROY and rollout.committed and not rollout.failure:
            going = [unit for unit in seen if unit.name in action.names and unit.name not in self.strange]
            self.earlier = {**self.earlier, **self._engine.files(going)}
            unread = [unit.name for unit in going if unit.name not in self.earlier]
            if unread:
                raise EngineError(f"The unit file of {some_names(unread)} can't be read, so it is not destroyed.")

    def _ours(self, units: Sequence[Unit], rollout: Rollout) -> Sequence[Unit]:
        """Return the units without the foreign ones that were not adopted: where somebody else has used a name since
        the plan was made, what was to be done to ours is not done to theirs. Until that has failed the rollout it is
        seen to be another.
        """
        units = judged(self._engine, units, rollout.plan.taken.union(rollout.started))
        foreign = {unit.name for unit in units if unit.foreign}.difference(rollout.plan.adopted)
        self.strange = frozenset(foreign)
        shown = set() if rollout.failure else foreign & rollout.hashes.keys()
        return [unit for unit in units if unit.name not in foreign or unit.name in shown]


def _tell_all(events: Sequence[Event], tell: Tell) -> None:
    for event in events:
        tell(event)


def _turn(engine: Engine, rollout: Rollout, work: RolloutSpec, looks: _Looks, gates: Gates, *, tell: Tell) -> Rollout:
    """One look, and all that follows from it."""
    clock = looks.clock
    try:
        seen, listing = looks.look(rollout)
    except EngineMissing:
        raise
    except EngineError as error:
        rollout, events = machine.away(rollout, error.message, clock.now(), final=error.final)
        _tell_all(events, tell)
        return rollout
    for remark in looks.of_machines(seen):
        tell(Noticed(remark))
    judged = {} if work.traits.oneshot or rollout.away_since is not None else {u.name: u for u in seen}
    verdict = gates.seen([judged[name] for name in rollout.judged if name in judged], tell)
    if verdict:
        rollout, events = machine.condemned(rollout, verdict, clock.now())
        looks.rollout = rollout
        return _tell_with_reasons(engine, work, rollout, events, tell)
    rollout = replace(rollout, files=frozenset(looks.earlier.keys() - looks.strange))
    rollout, actions, events = machine.advance(rollout, seen, clock.now(), listing)
    looks.rollout = rollout
    rollout = _tell_with_reasons(engine, work, rollout, events, tell)
    for action in actions:
        try:
            looks.hold.ensure()
            if looks.took < SELDOM:  # the look behind a request comes soon, but where one too early costs seconds
                looks.took = 0.0
            looks.keep(action, rollout, seen)
            _perform(engine, action, {**work.files, **looks.earlier}, looks.strange)
        except EngineMissing:
            raise
        except EngineUnreachable as error:
            rollout = machine.unanswered(rollout, action)
            rollout, events = machine.away(rollout, error.message, clock.now(), final=error.final)
            _tell_all(events, tell)
        except EngineError as error:
            rollout, events = machine.refused(rollout, action, error.message, clock.now(), final=error.final)
            looks.rollout = rollout
            rollout = _tell_with_reasons(engine, work, rollout, events, tell)
            if rollout.failure:
                return rollout
    return rollout


def _perform(engine: Engine, action: Action, files: Mapping[UnitName, UnitFile], strange: Collection[UnitName]) -> None:
    """Ask it of the engine; not of ``strange`` units, but that it refuses itself to start another under their names."""
    names = tuple(name for name in action.names if name not in strange)
    match action.verb:
        case Verb.START:
            engine.start([files[name] for name in action.names])
        case _ if not names:
            pass
        case Verb.RESUME:
            engine.resume(names)
        case Verb.STOP:
            engine.stop(names)
        case Verb.UNLOAD:
            engine.unload(names)
        case Verb.DESTROY:
            engine.destroy(names)


def _tell_with_reasons(
    engine: Engine, work: RolloutSpec, rollout: Rollout, events: Sequence[Event], tell: Tell
) -> Rollout:
    """Tell the events with what only the engine can add: behind a failure the unit's journal (now, because undoing it
    takes the journal's unit away), to it what that says of its health, and to a unit without a machine what machines
    there are.
    """
    for event in events:
        if isinstance(event, NoMachineYet):
            tell(replace(event, why=explain(engine, work, event.names)))
        elif isinstance(event, Failed) and (at := event.failure.unit) and at.machine and not at.lost:
            journal = _last_words(engine, at)
            failure = with_health(event.failure, journal.lines)
            rollout = replace(rollout, failure=failure)
            tell(Failed(failure))
            tell(journal)
        else:
            tell(event)
    return rollout


def explain(engine: Engine, work: RolloutSpec, names: Sequence[UnitName]) -> str:
    """Return the first unit's placement rules beside the machines; empty where the engine can't say which there are."""
    try:
        return rules_and_machines(work.files.get(names[0]), engine.machines(), engine.units())
    except EngineError:
        return ""


def _last_words(engine: Engine, unit: Unit) -> Journal:
    return journal_of(engine, unit.name, unit.machine if unit.everywhere else None)


def journal_of(engine: Engine, name: UnitName, at: Machine | None = None) -> Journal:
    """Return the unit's last telling lines; of a global unit those on one machine, ``at``. (fleet has no journal of
    one.)

    A journal that can't be had is no second failure: it says why instead.
    """
    from deployster_cli.domain.units.journal import lines_of, telling  # only where a unit failed

    here = f"journalctl --no-pager --lines={_JOURNAL_READ} --unit={shlex.quote(name.text)}"
    try:
        lines = lines_of(engine.run_shell(at, here)) if at else engine.journal(name, lines=_JOURNAL_READ)
        return Journal(name, telling(list(lines), JOURNAL_LINES))
    except EngineError as error:
        return Journal(name, (), error.message)


class Spreading:
    """Works out where global units belong, from their unit files (``files``, else what the engine holds: one ``cat``
    a unit, once) and from the machines there are at each look. Where there is no global unit it asks for nothing.
    """

    def __init__(self, engine: Engine, files: Mapping[UnitName, UnitFile]) -> None:
        self._engine = engine
        self._files: dict[UnitName, UnitFile | None] = dict(files)

    def over(self, units: Sequence[Unit], names: Collection[UnitName]) -> tuple[Unit, ...]:
        """Return the units, those of ``names`` that are global and wanted to run with all their copies. Errors as
        Engine's.
        """
        belong = {u.name for u in units if u.everywhere and u.name in names and u.desired is State.LAUNCHED}
        machines = self._engine.machines() if belong else ()
        return tuple(self._spread(unit, machines) if unit.name in belong else unit for unit in units)

    def _spread(self, unit: Unit, machines: Sequence[Machine]) -> Unit:
        if unit.name not in self._files:
            self._files[unit.name] = self._engine.cat(unit.name)
        file = self._files[unit.name]
        return spread(unit, file, machines) if file else unit
