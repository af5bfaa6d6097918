"""Events as sentences. Pure: (event) → (tone, text); the console adds colour, or a date off a terminal."""

from __future__ import annotations

from deployster_cli.domain import events
from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import Event, headline
from deployster_cli.domain.units.model import Condition, Unit
from deployster_cli.domain.wording import resized, some_names, where
from deployster_cli.views.text import printable

# A tone (head, dim, good, bad, warn) and the text.
Line = tuple[str, str]

_WAITS_FOR = {
    Condition.WAITING: "waiting for a machine",
    Condition.STARTING: "starting",
    Condition.UNKNOWN: "not reported yet",
    Condition.RUNNING: "running",
    Condition.COMPLETED: "completed",
    Condition.RESTARTING: "died, restarting",
    Condition.EXITED: "exited",
    Condition.FAILED: "failed",
    Condition.STOPPING: "stopping",
    Condition.STOPPED: "stopped",
    Condition.REMOVING: "removing",
}

_TURNS: dict[type, Line] = {
    events.Parking: ("head", "Stopping {names}"),
    events.Settling: ("head", "Watching {names} for {seconds}"),
    events.Retiring: ("head", "{undo} {names}"),
    events.Restoring: ("head", "Starting {names} again"),
    events.NoMachineYet: ("warn", "  {names}  not on a machine yet. {why}"),
    events.EngineAway: ("warn", "Waiting for the engine: {why}"),
    events.EngineBack: ("good", "The engine answers again after {seconds}"),
    events.LockHeld: ("warn", "Waiting for the lock held by {by}"),
    events.TaskStarted: ("head", "Running {command}"),
    events.TaskLeft: ("warn", "Still there: {names}. The next task or deploy removes it."),
    events.HookStarted: ("head", "Hook {hook}: {line}"),
    events.HookSaid: ("dim", "  | {text}"),
    events.HookDone: ("good", "Hook {hook} is done  {seconds}"),
    events.HookWarned: ("warn", "{why}"),
    events.Noticed: ("warn", "{text}"),
}

_BAD = {Condition.FAILED, Condition.RESTARTING, Condition.EXITED}


def sentence(event: Event) -> list[Line]:
    """Return the lines that tell of one event."""
    match event:
        case events.Starting():
            return _starting(event)
        case events.Changed(unit, seconds):
            return [_changed(unit, seconds)]
        case events.Ready(unit, seconds):
            return [("good", f"  {unit.name.short}  ready on {where(unit)}  {format_duration(seconds)}")]
        case events.Gone(name, seconds, parked):
            return [("dim", f"  {name.short}  {'stopped' if parked else 'gone'}  {format_duration(seconds)}")]
        case events.Journal() | events.TaskOutput():
            return _journal(event)
        case _:
            return [_turn(event)]


def _turn(event: Event) -> Line:
    """Return the events that turn a rollout from one thing to the next, one line each."""
    if isinstance(event, events.Failed):
        return "bad", headline(event.failure)
    if isinstance(event, events.Resized):
        return "warn" if event.number < event.before else "dim", resized(event.number, event.before, event.reason)
    if isinstance(event, events.TaskDone):
        return _task_done(event)
    if isinstance(event, events.Waiting):
        took = format_duration(event.seconds)
        return "dim", f"  {event.unit.name.short}  on {where(event.unit)}: {printable(event.why)}  {took}"
    tone, text = _TURNS[type(event)]
    return tone, text.format_map({name: _word(getattr(event, name)) for name in event.__slots__})


def _task_done(done: events.TaskDone) -> Line:
    took = format_duration(done.seconds)
    if done.late:
        return "bad", f"{printable(done.command)} was stopped at its time limit  {took}"
    if done.code:
        how = f"ended with exit code {done.code}" if done.known else "failed"
        return "bad", f"{printable(done.command)} {how}  {took}"
    return "good", f"{printable(done.command)} is done  {took}"


def _word(value: object) -> str:
    """Return a field of an event as it stands in its line."""
    if isinstance(value, bool):
        return "Undoing" if value else "Retiring"
    if isinstance(value, tuple):
        return some_names(value)
    return format_duration(value) if isinstance(value, (int, float)) else printable(str(value))


def _starting(event: events.Starting) -> list[Line]:
    batch = f" (batch {event.step} of {event.steps})" if event.steps > 1 else ""
    lines: list[Line] = [("head", f"Starting {some_names(event.names)}{batch}")] if event.names else []
    if event.watch:
        lines.append(("head", f"Waiting for {some_names(event.watch)}, started by an earlier run"))
    return lines


def _changed(unit: Unit, seconds: float) -> Line:
    condition = unit.condition
    place = f" on {where(unit)}" if unit.machine and condition is not Condition.WAITING else ""
    detail = f" ({unit.sub})" if condition is Condition.STARTING and unit.sub else ""
    tone = "bad" if condition in _BAD else "dim"
    return tone, f"  {unit.name.short}  {_WAITS_FOR[condition]}{detail}{place}  {format_duration(seconds)}"


def _journal(journal: events.Journal | events.TaskOutput) -> list[Line]:
    if isinstance(journal, events.TaskOutput):
        return [("dim", f"  | {printable(line)}") for line in journal.lines]
    if journal.problem:
        return [("warn", f"  no journal for {journal.name.short}: {journal.problem}")]
    if not journal.lines:
        return [("warn", f"  the journal of {journal.name.short} is empty")]
    return [("dim", f"  | {printable(line)}") for line in journal.lines]
