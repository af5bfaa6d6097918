"""Tasks: one run of a command with a release, as a oneshot unit on whichever machine fits.

A task is a rollout of one unit that is meant to end. Its unit belongs to the made-up service ``SERVICE.task``, so it
never counts as an instance, and has a number that no other run has, so tasks of one service may run side by side. In
its ``[X-Deployster]`` it carries a note of whose it is: what a killed run left behind is known by it and taken out.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from deployster_cli.domain.change import Policy
from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import (
    Changed,
    Event,
    Failed,
    Failure,
    Ready,
    TaskDone,
    TaskLeft,
    TaskStarted,
    Tell,
    headline,
)
from deployster_cli.domain.lock import Note
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.rollout.state import Phase
from deployster_cli.domain.rollout.tracking import Reason, Traits
from deployster_cli.domain.units.model import Condition, OnFailure, Unit
from deployster_cli.domain.units.names import MOST_INSTANCES, UnitName
from deployster_cli.domain.units.unitfile import STAMP_SECTION, Stamp, UnitFile
from deployster_cli.domain.wording import some_names
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EXIT_ENGINE, EXIT_FAILED, EXIT_TASK_TIMEOUT, DeploysterError, EngineError, Interrupted
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import TASKS
from deployster_cli.operations.lock import dead, new_note
from deployster_cli.operations.ownership import told_apart
from deployster_cli.operations.prerequisites import missing, refuse
from deployster_cli.operations.rollout import NoLock, RolloutSpec, drive, explain
from deployster_cli.operations.task_journal import TaskJournal

# Seconds that a task may take.
TIMEOUT = 600.0

# Seconds for a task's unit to stop and go.
CLEARED_WITHIN = 60.0

TEMPLATE = "task"

# Seconds for which another run's unit has been over when it counts as nobody's: a live run takes its own out.
NOBODYS_AFTER = 60.0

# Seconds past its time limit until a task's unit stops by itself, in case nobody is left to stop it.
_UNIT_MARGIN = 30

# From here on an exit code stands for a signal, or is one of systemd's (systemd.exec(5)): then it says more of it.
_NOT_ITS_OWN = 128

# What a task's note says that it is doing where a run that holds the service's lock has put it in.
BEFORE = "before a deploy"

# The option that says in [X-Deployster] which command it is, as JSON: of a left-over people want to know.
_COMMAND = "Task"

_LONGEST_COMMAND = 300

_AT_ITS_END = frozenset({Condition.COMPLETED, Condition.EXITED, Condition.FAILED, Condition.STOPPED})

_ENDED_BADLY = frozenset({Reason.FAILED, Reason.CRASH_LOOP, Reason.ENDED})

Keep = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Task:
    """One command to run with a release: the unit that runs it, made for any name."""

    command: str
    service: str
    version: str
    by: str
    render: Callable[[UnitName, Stamp], UnitFile]

    def file(self, instance: int, now: str) -> UnitFile:
        """Return the unit file of the task's ``instance``-th unit; InvalidInput where it can't be one."""
        name = UnitName.checked(f"{self.service}{TASKS}", self.version, instance)
        return self.render(name, Stamp(name.service, self.version, instance, now, self.by, TEMPLATE))


class TaskFailed(DeploysterError):
    """A task could not be run to its end, or one before a deploy failed, so that the deploy did not begin."""


@dataclass(frozen=True, slots=True)
class _End:
    """How the unit ended: its exit code if that is known, or that it was late."""

    code: int
    known: bool = True
    late: bool = False


def run_task(
    engine: Engine,
    task: Task,
    clock: Clock,
    tell: Tell,
    timeout: float = TIMEOUT,
    *,
    keep: Keep = lambda: None,
    locked: bool = False,
) -> int:
    """Run the task and tell its output as it comes; its exit code, 124 where it was stopped after ``timeout`` seconds.

    Its unit is gone at the end, come what may: an error, a signal (Interrupted), or whatever ``tell`` raises.
    TaskFailed where it could not be run. ``locked`` says that the caller holds the service's lock: then every unit of
    another locked run is a left-over. ``keep`` is called at each look.
    """
    tell(TaskStarted(task.command))
    began = clock.now()
    file, over = _prepared(engine, task, clock, timeout, locked=locked, keep=keep)
    engine.place(_plan(task, file, timeout), {file.name: file})
    refuse(missing(engine, (file,)) or ())
    watch = TaskJournal(engine, file.name, clock, tell)
    try:
        end = _to_its_end(watch, task, file, timeout, tell=tell, keep=keep)
        nobodys = _over(engine.units(), over) if over and clock.now() - began >= NOBODYS_AFTER else ()
        if left := _clear(engine, (file.name, *nobodys), clock, keep):
            tell(TaskLeft(left))
    except KeyboardInterrupt as stopped:
        left = _clear_quietly(engine, file.name, clock)
        what = _left_word(engine, file.name) if left else "it was stopped and removed"
        signal = getattr(stopped.__cause__ or stopped, "signal", 2)
        raise Interrupted(f"Interrupted while {task.command!r} ran; {what}.", signal=signal) from None
    except BaseException:
        _clear_quietly(engine, file.name, clock)
        raise
    finally:
        watch.close()
    tell(TaskDone(task.command, clock.now() - began, end.code, end.known, end.late))
    return end.code


def _prepared(
    engine: Engine, task: Task, clock: Clock, timeout: float, *, locked: bool, keep: Keep
) -> tuple[UnitFile, tuple[UnitName, ...]]:
    """Return the file for the task's unit, once what earlier runs left behind is gone; and others' units that are over.

    Who put those in may be about to read what they said, or be dead on another machine: time will tell.
    """
    service = f"{task.service}{TASKS}"
    found = tuple(u for u in told_apart(engine, engine.units(), service) if u.name.service == service)
    files = {unit.name: engine.cat(unit.name) for unit in found if not unit.foreign}
    notes = {
        name: Note.read(file.options) if file else None for name, file in files.items() if file is None or file.ours
    }
    ours = [unit for unit in found if unit.name in notes]
    left = tuple(unit.name for unit in ours if _is_nobodys(unit, notes[unit.name], locked=locked))
    _clear(engine, left, clock, keep)
    note = new_note(service, task.by, BEFORE if locked else "task", clock)
    others = notes.keys() - set(left)
    taken = {unit.name for unit in found} - set(left)
    return _noted(task, task.file(_free(taken), clock.utc()), note, timeout), _over(found, others)


def _over(units: Iterable[Unit], names: Collection[UnitName]) -> tuple[UnitName, ...]:
    """Those of the names whose unit has come to its end, and is there still."""
    return tuple(unit.name for unit in units if unit.name in names and unit.condition in _AT_ITS_END)


def _is_nobodys(unit: Unit, note: Note | None, *, locked: bool) -> bool:
    """Whether its run is dead, or it has no business beside ours. What was begun before a deploy may be a migration:
    only who holds the lock, and has waited for it, takes that out while it runs (see left_tasks).
    """
    if note is not None and note.doing == BEFORE:
        return locked or (dead(note) and not still_runs(unit))
    return note is None or dead(note)


def still_runs(unit: Unit) -> bool:
    """Whether a task's unit may still be running its command, or begin to."""
    return unit.condition not in _AT_ITS_END and not (
        unit.desired is None and unit.active in {"", "inactive", "failed"}
    )


def left_by_another(engine: Engine, unit: Unit) -> tuple[Note, UnitFile] | None:
    """Return the note and the file of a task's unit that was put in under the service's lock, None of any other."""
    file = engine.cat(unit.name)
    note = Note.read(file.options) if file else None
    return (note, file) if note and file and file.ours and note.doing == BEFORE else None


def command_of(file: UnitFile) -> str:
    """Return the command that a task's unit runs, as a person gave it; empty where it does not say."""
    try:
        return str(json.loads(file.last(STAMP_SECTION, _COMMAND) or '""'))
    except ValueError:
        return ""


def _free(taken: set[UnitName]) -> int:
    """Return a number that no other run has, sought from one by chance on, as two may look for one at the
    same moment.
    """
    numbers, first = {name.instance for name in taken}, secrets.randbelow(MOST_INSTANCES)
    sought = ((first + step) % MOST_INSTANCES + 1 for step in range(len(numbers) + 1))
    return next(number for number in sought if number not in numbers)


def _noted(task: Task, file: UnitFile, note: Note, timeout: float) -> UnitFile:
    """Return the file with note and command in it, and with a time limit of its own, in case nobody is there to stop
    it.
    """
    limits = {("Service", "TimeoutStartSec", "0"), ("Service", "TimeoutStartSec", "infinity")}
    limit = ("Service", "TimeoutStartSec", str(int(timeout) + _UNIT_MARGIN))
    options = tuple(limit if option in limits else option for option in file.options)
    command = (STAMP_SECTION, _COMMAND, json.dumps(task.command[:_LONGEST_COMMAND]))
    return replace(file, options=(*options, *(o for o in note.options() if o[0] == STAMP_SECTION), command))


def _plan(task: Task, file: UnitFile, timeout: float) -> Plan:
    policy = Policy(settle=0, timeout=timeout, on_failure=OnFailure.KEEP)
    return Plan(file.name.service, task.version, (Step(start=(file.name,)),), policy=policy)


def _to_its_end(watch: TaskJournal, task: Task, file: UnitFile, timeout: float, *, tell: Tell, keep: Keep) -> _End:
    work = RolloutSpec(_plan(task, file, timeout), {file.name: file}, Traits(oneshot=True))
    end = drive(watch.engine, work, watch.clock, NoLock(keep), _UntilOver(watch, tell), pause=watch.pause)
    if end.phase is Phase.DONE:
        watch.rest()
        return _End(0)
    failure = end.failure
    assert failure is not None  # noqa: S101 - what FAILED means  # nosec B101
    if failure.reason is Reason.NOT_YET:
        watch.rest()
        return _End(EXIT_TASK_TIMEOUT, late=True)
    if failure.reason not in _ENDED_BADLY:
        raise _not_run(task, failure, explain(watch.engine, work, failure.names), timeout)
    watch.rest()
    ended = _ended_badly(watch)
    if not ended.known or ended.code >= _NOT_ITS_OWN:
        watch.remarks()
    return ended


class _UntilOver:
    """Tells the rollout's events up to its end: of how a task ended there is more to tell than a rollout does."""

    def __init__(self, watch: TaskJournal, tell: Tell) -> None:
        self._watch, self._tell, self._over = watch, tell, False

    def __call__(self, event: Event) -> None:
        self._watch.see(event)
        self._over = self._over or isinstance(event, Failed | Ready)
        if not self._over and not _has_failed(event):
            self._tell(event)


def _has_failed(event: Event) -> bool:
    """Whether the unit was seen to have failed: that is told behind its output, with how."""
    return isinstance(event, Changed) and event.unit.condition in {Condition.FAILED, Condition.EXITED}


def _ended_badly(watch: TaskJournal) -> _End:
    """With the exit code, where the engine can tell it, and not 0: whatever the process said, the unit failed."""
    try:
        code = watch.engine.exit_code(watch.name)
    except EngineError:
        code = None
    return _End(code, known=True) if code else _End(EXIT_FAILED, known=False)


def _not_run(task: Task, failure: Failure, more: str, timeout: float) -> TaskFailed:
    """Return the error for a unit that never came to run, or was lost on the way."""
    within = f" within {format_duration(timeout)}" if failure.reason is Reason.NO_MACHINE else ""
    error = TaskFailed(" ".join(filter(None, (f"{task.command!r} was not run{within}: {headline(failure)}.", more))))
    error.exit_code = EXIT_ENGINE if failure.reason is Reason.AWAY else EXIT_FAILED
    return error


def _clear(engine: Engine, names: tuple[UnitName, ...], clock: Clock, keep: Keep) -> tuple[UnitName, ...]:
    """Stop and destroy these units and wait until they are gone; those that are not in time."""
    if not names:
        return ()
    plan = Plan(names[0].service, names[0].version, (Step(retire=names),), policy=Policy(timeout=CLEARED_WITHIN))
    return drive(engine, RolloutSpec(plan), clock, NoLock(keep), lambda _: None).left


def _clear_quietly(engine: Engine, name: UnitName, clock: Clock) -> tuple[UnitName, ...]:
    """Return the same where something else is to be told; a second interrupt, or an engine that is gone, ends the
    attempt.
    """
    try:
        return _clear(engine, (name,), clock, lambda: None)
    except (KeyboardInterrupt, EngineError):
        return (name,)


def _left_word(engine: Engine, name: UnitName) -> str:
    """Return what to say of a task whose unit was not seen to go: one that has stopped is no more than a left-over."""
    with contextlib.suppress(KeyboardInterrupt, EngineError):
        unit = next((unit for unit in engine.units() if unit.name == name), None)
        if unit is None and engine.is_local:
            return "it was stopped and removed"
        stopping = unit is not None and unit.condition is Condition.STOPPING
        if stopping or (unit and not still_runs(unit)):
            how = "is stopping" if stopping else "was stopped"
            return f"it {how}, and the next task clears away its unit, {some_names((name,))}"
    return f"{some_names((name,))} may still run"


def run_before(engine: Engine, tasks: tuple[Task, ...], clock: Clock, tell: Tell, keep: Keep) -> None:
    """Run the tasks one after another, the service's lock held; TaskFailed at the first that fails."""
    for task in tasks:
        release = f"{task.service} {task.version}"
        try:
            code = run_task(engine, task, clock, tell, keep=keep, locked=True)
        except Interrupted as error:
            raise Interrupted(
                f"{error.message} Nothing of {release} was started.", signal=error.exit_code - 128
            ) from None
        if code:
            late = f" was not done within {format_duration(TIMEOUT)}" if code == EXIT_TASK_TIMEOUT else " failed"
            raise TaskFailed(
                f"{task.command!r}{late}, so nothing of {release} was started.", "What ran before runs as it did."
            )
