"""Carrying out a plan and ending well or with an error: what deploy, destroy and their kin share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass

from deployster_cli.domain.events import Event, Noticed
from deployster_cli.domain.lock import Note
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.rollout.state import Phase
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import Unit
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, EngineUnreachable
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import Prepared
from deployster_cli.operations.failure import RolloutFailed, interrupted
from deployster_cli.operations.left_tasks import await_left_tasks
from deployster_cli.operations.lock import Held, take, with_word
from deployster_cli.operations.prerequisites import refuse_missing
from deployster_cli.operations.records import Keeping
from deployster_cli.operations.rollout import Hold, Stopped, Stops, Work, drive, explain
from deployster_cli.operations.task import Task, run_before


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished rollout did, in ``seconds``."""

    plan: Plan
    seconds: float


Carrying = Generator[Event, None, Result]


Keep = Callable[[], None]

PLAN_LASTS = 5.0
"""Seconds after which a plan is made anew, if nothing of it has been done by then."""

LOOK_LASTS = 3.0
"""Seconds for which the look that the plan was made from is as good as another one, which takes fleet over a second
where there are a thousand units.
"""

PLANNINGS = 3
"""How often a plan is made at most, while the listings that it is made from turn out to be short."""

Ahead = Callable[[Prepared, Keep], Generator[Event, None, bool]]
"""What has to succeed once the plan is made, before anything is done; told as it goes. ``Keep`` renews the lock.

Whether anything ran that may have changed what the plan was made from.
"""


def _nothing(_: Prepared, __: Keep) -> Generator[Event, None, bool]:
    yield from ()
    return False


@dataclass(frozen=True, slots=True)
class Locking:
    """Whose lock to take, how many seconds to wait for it, and what has to succeed first once it is held."""

    note: Note
    wait: float = 0.0
    ahead: Ahead = _nothing
    before: tuple[Task, ...] = ()


def under_lock(engine: Engine, locking: Locking, prepare: Callable[[], Prepared], clock: Clock) -> Carrying:
    """Take the service's lock and plan, see to what is ahead, carry it out, and give the lock back whatever happens.

    What ``prepare`` sees is what there is to do, whoever was at it before (see lock.take). Where there is nothing to
    start no task is run.
    """
    early = _Early(prepare, clock)
    try:
        held = yield from take(engine, locking.note, clock, locking.wait, early.plan)
    except EngineUnreachable as error:
        error.message = f"{error.message} Nothing was started."
        raise
    try:
        prepared, began = yield from _made_ready(engine, locking, _Planner(prepare, held, clock), early.planned)
        seen = prepared.units if clock.now() - began <= LOOK_LASTS else None
        keeping = Keeping(engine, prepared.plan, prepared.memory, clock, held.ensure)
        result = yield from keeping.carried(carry_out(engine, prepared.work, clock, held, seen, stops=keeping.stops))
    except BaseException as error:
        raise with_word(error, held.release()) from error.__cause__
    if left := held.release():
        yield Noticed(left)
    return result


Made = tuple[Prepared, float]
"""A plan and when it was begun: the look that it is made from may be as old as that."""


def _made_ready(
    engine: Engine, locking: Locking, planner: _Planner, early: Made | None
) -> Generator[Event, None, Made]:
    """See to hooks, image and tasks. The plan as it is after them: they change things, and they take their time."""
    made = planner.plan(early)
    wait, keep = locking.wait, planner.held.keep
    if (yield from await_left_tasks(engine, made[0].plan, made[0].units, planner.clock, wait=wait, keep=keep)):
        made = planner.plan()
    if (yield from locking.ahead(made[0], planner.held.keep)) or planner.is_old(made):
        made = planner.plan()
    if made[0].plan.start and locking.before:
        yield from run_before(engine, locking.before, planner.clock, planner.held.keep)
        made = planner.plan()
    if made[0].plan.start:
        refuse_missing(engine, made[0].work.files.values())
    return made


class _Early:
    """A plan made before it is certain that the lock is ours. None where it failed, as it will fail again then if it
    must, or where it took long to become certain.
    """

    def __init__(self, prepare: Callable[[], Prepared], clock: Clock) -> None:
        self._prepare = prepare
        self._clock = clock
        self._made: Made | None = None
        self._lasts_until = 0.0

    def plan(self) -> None:
        """Make it anew."""
        self._made = None
        with contextlib.suppress(DeploysterError):
            self._made = _timed(self._prepare, self._clock)
        self._lasts_until = self._clock.now() + PLAN_LASTS

    @property
    def planned(self) -> Made | None:
        """The plan and when it was begun, if it is still of now."""
        return self._made if self._clock.now() <= self._lasts_until else None


def _timed(prepare: Callable[[], Prepared], clock: Clock) -> Made:
    began = clock.now()
    return prepare(), began


@dataclass(frozen=True, slots=True)
class _Planner:
    """Makes plans while the lock is held."""

    prepare: Callable[[], Prepared]
    held: Held
    clock: Clock

    def is_old(self, made: Made) -> bool:
        """Whether a plan has to be made anew, nothing of it having been done."""
        return self.clock.now() - made[1] > PLAN_LASTS

    def plan(self, made: Made | None = None) -> Made:
        """A plan (the one that is ``made``, where it is good) from a listing with our own lock in it: one that lacks it
        lacks who knows what. Locked where the lock is not ours any more.
        """
        self.held.ensure()
        for _ in range(PLANNINGS):
            made = made or _timed(self.prepare, self.clock)
            if self.held.shown:
                return made
            self.held.keep()
            made = None
        raise EngineUnreachable(
            "The engine's listing is incomplete: it lacks this run's lock. Nothing was started.",
            "Try again; fleet omits units when it is overloaded.",
        )


def carry_out(
    engine: Engine,
    work: Work,
    clock: Clock,
    hold: Hold,
    seen: tuple[Unit, ...] | None = None,
    *,
    stops: Stops | None = None,
) -> Carrying:
    """Drive the work's plan to its end, telling events. RolloutFailed or Interrupted for any other end.

    ``seen`` is what the engine's units were just now, where that is known; ``stops`` as for ``drive``.
    """
    began = clock.now()
    try:
        rollout = yield from drive(engine, work, clock, hold, seen=seen, stops=stops)
    except Stopped as stopped:
        raise interrupted(stopped.rollout, getattr(stopped.__cause__, "signal", 2)) from None
    if rollout.phase is Phase.FAILED and rollout.failure:
        nowhere = rollout.failure.reason is Reason.NO_MACHINE
        raise RolloutFailed(rollout, rollout.failure, explain(engine, work, rollout.failure.names) if nowhere else "")
    return Result(work.plan, clock.now() - began)
