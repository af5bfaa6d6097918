"""The loop that drives a rollout: look, advance, act, sleep. It decides nothing; domain.rollout does."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from deployster_cli.domain import rollout as machine
from deployster_cli.domain.events import Event, Failed, Journal, NoMachineYet
from deployster_cli.domain.model import Machine, Unit
from deployster_cli.domain.names import UnitName
from deployster_cli.domain.pace import next_look
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.reasons import rules_and_machines
from deployster_cli.domain.rollout_state import Action, Rollout, Traits, Verb
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.domain.watching import LOST_FOR
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.global_units import Spreading

JOURNAL_LINES = 20
"""Of a unit that failed: a crash and the start that came after it, which pulls an image, are about a dozen."""


@dataclass(frozen=True, slots=True)
class Work:
    """A plan with the unit files of all that it starts."""

    plan: Plan
    files: Mapping[UnitName, UnitFile] = field(default_factory=dict)
    traits: Traits = field(default_factory=Traits)


class Stopped(KeyboardInterrupt):
    """A signal came in mid-rollout; ``rollout`` is how far it had got."""

    def __init__(self, rollout: Rollout) -> None:
        super().__init__()
        self.rollout = rollout


Telling = Generator[Event, None, Rollout]
Pause = Callable[[float], Iterator[Event]]


def drive(
    engine: Engine,
    work: Work,
    clock: Clock,
    keep: Callable[[], None],
    pause: Pause | None = None,
    *,
    seen: Sequence[Unit] | None = None,
) -> Telling:
    """Carry the plan out, telling each event as it happens; returns the rollout's end.

    Errors of the engine are part of the rollout; only what no waiting can cure (its program vanished) is raised.
    ``keep`` is called after each look that the engine answered, and raises what ends the rollout where it stands.
    ``pause`` takes the place of sleeping between two looks, and may have more to tell. ``seen`` takes the place of the
    first look.
    """
    traits = work.traits
    if not engine.one_machine:
        traits = replace(traits, limits=replace(traits.limits, dead_for=LOST_FOR))
    rollout, told = machine.begin(work.plan, traits, clock.now())
    spreading = Spreading(engine, work.files)
    took = 0.0

    def look(rollout: Rollout) -> Sequence[Unit]:
        nonlocal seen, took
        began = clock.now()
        try:
            units, seen = engine.units() if seen is None else seen, None
            units = spreading.over(units, rollout.coming_up)
        finally:
            took = clock.now() - began
        keep()
        return units

    try:
        yield from told
        while not rollout.over:
            rollout = yield from _turn(engine, rollout, work, clock, look)
            if not rollout.over:
                now, due = clock.now(), rollout.settles_at
                wait = next_look(now - rollout.asked_at, took, None if due is None else due - now)
                yield from pause(wait) if pause else _sleep(clock, wait)
    except KeyboardInterrupt as signal:
        raise Stopped(rollout) from signal
    return rollout


def _sleep(clock: Clock, seconds: float) -> Iterator[Event]:
    clock.sleep(seconds)
    return iter(())


def _turn(
    engine: Engine, rollout: Rollout, work: Work, clock: Clock, look: Callable[[Rollout], Sequence[Unit]]
) -> Telling:
    """One look, and all that follows from it."""
    try:
        seen = look(rollout)
    except EngineMissing:
        raise
    except EngineError as error:
        rollout, told = machine.away(rollout, error.message, clock.now())
        yield from told
        return rollout
    rollout, actions, told = machine.advance(rollout, seen, clock.now())
    yield from _with_reasons(engine, work, told)
    for action in actions:
        try:
            _perform(engine, action, work.files)
        except EngineMissing:
            raise
        except EngineUnreachable as error:
            rollout, told = machine.away(machine.unanswered(rollout, action), error.message, clock.now())
            yield from told
        except EngineError as error:
            rollout, told = machine.refused(rollout, action, error.message, clock.now())
            yield from _with_reasons(engine, work, told)
            return rollout
    return rollout


def _perform(engine: Engine, action: Action, files: Mapping[UnitName, UnitFile]) -> None:
    match action.verb:
        case Verb.START:
            engine.start([files[name] for name in action.names])
        case Verb.RESUME:
            engine.resume(action.names)
        case Verb.STOP:
            engine.stop(action.names)
        case Verb.UNLOAD:
            engine.unload(action.names)
        case Verb.DESTROY:
            engine.destroy(action.names)


def _with_reasons(engine: Engine, work: Work, told: tuple[Event, ...]) -> Iterator[Event]:
    """The events with what only the engine can add: behind a failure the unit's journal (now, because undoing it takes
    the journal's unit away), and to a unit without a machine what the machines are.
    """
    for event in told:
        if isinstance(event, NoMachineYet):
            yield replace(event, why=explain(engine, work, event.names))
            continue
        yield event
        if isinstance(event, Failed) and event.failure.unit and event.failure.unit.machine:
            yield _last_words(engine, event.failure.unit)


def explain(engine: Engine, work: Work, names: Sequence[UnitName]) -> str:
    """The first unit's placement rules beside the machines; empty where the engine can't say which there are."""
    try:
        return rules_and_machines(work.files.get(names[0]), engine.machines(), engine.units())
    except EngineError:
        return ""


def _last_words(engine: Engine, unit: Unit) -> Journal:
    return journal_of(engine, unit.name, unit.machine if unit.everywhere else None)


def journal_of(engine: Engine, name: UnitName, at: Machine | None = None) -> Journal:
    """The unit's last lines; of a global unit those on one machine, ``at``. (fleet has no journal of a global unit.)

    A journal that can't be had is no second failure: it says why instead.
    """
    from deployster_cli.domain.journal import lines_of  # noqa: PLC0415 - only where a unit failed

    here = f"journalctl --no-pager --lines={JOURNAL_LINES} --unit={shlex.quote(name.text)}"
    try:
        lines = lines_of(engine.ask(at, here)) if at else engine.journal(name, lines=JOURNAL_LINES)
        return Journal(name, tuple(lines))
    except EngineError as error:
        return Journal(name, (), error.message)
