"""Carrying out a plan and ending well or with an error: what deploy, destroy and their kin share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from deployster_cli.domain.events import Event
from deployster_cli.domain.lock import Note
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.rollout_state import Phase
from deployster_cli.domain.watching import Reason
from deployster_cli.engines.base import Engine
from deployster_cli.operations.before import Task, run_before
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.failure import RolloutFailed, interrupted
from deployster_cli.operations.lock import take
from deployster_cli.operations.rollout import Stopped, Work, drive, explain


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished rollout did, in ``seconds``."""

    plan: Plan
    seconds: float


Carrying = Generator[Event, None, Result]


Keep = Callable[[], None]

Ahead = Callable[[Plan, Keep], Iterator[Event]]
"""What has to succeed once the plan is made, before anything is done; told as it goes. ``Keep`` renews the lock."""


def _nothing(_: Plan, __: Keep) -> Iterator[Event]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Locking:
    """Whose lock to take, how many seconds to wait for it, and what has to succeed first once it is held."""

    note: Note
    wait: float = 0.0
    ahead: Ahead = _nothing
    before: tuple[Task, ...] = ()


def under_lock(engine: Engine, locking: Locking, prepare: Callable[[], Work], clock: Clock) -> Carrying:
    """Take the service's lock, then plan, see to what is ahead, carry it out, and give the lock back whatever happens.

    ``prepare`` is called with the lock held: what it sees is what there is to do, whoever was at it before. Where there
    is nothing to start no task is run.
    """
    held = yield from take(engine, locking.note, clock, locking.wait)
    try:
        work = prepare()
        yield from locking.ahead(work.plan, held.keep)
        if work.plan.start:
            yield from run_before(engine, locking.before, clock, held.keep)
        return (yield from carry_out(engine, work, clock, held.keep))
    finally:
        held.release()


def carry_out(engine: Engine, work: Work, clock: Clock, keep: Keep) -> Carrying:
    """Drive the work's plan to its end, telling events. RolloutFailed or Interrupted for any other end."""
    began = clock.now()
    try:
        rollout = yield from drive(engine, work, clock, keep)
    except Stopped as stopped:
        raise interrupted(stopped.rollout, getattr(stopped.__cause__, "signal", 2)) from None
    if rollout.phase is Phase.FAILED and rollout.failure:
        nowhere = rollout.failure.reason is Reason.NO_MACHINE
        raise RolloutFailed(rollout, rollout.failure, explain(engine, work, rollout.failure.names) if nowhere else "")
    return Result(work.plan, clock.now() - began)
