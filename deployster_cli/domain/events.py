"""What a rollout tells its watchers. Values only: views turn them into lines, tables or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.domain.units.model import UNLOADABLE, Machine, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import some_names, where


@dataclass(frozen=True, slots=True)
class Starting:
    """A batch is about to be started: the ``step``-th of ``steps``. ``watch`` was started by an earlier run."""

    step: int
    steps: int
    names: tuple[UnitName, ...]
    watch: tuple[UnitName, ...] = ()


@dataclass(frozen=True, slots=True)
class Resized:
    """There will be another number of instances than before, for this ``reason``."""

    number: int
    before: int
    reason: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A unit was seen in another condition, or on another machine, than before. ``seconds`` since its phase began."""

    unit: Unit
    seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A unit waits until it is healthy; ``why`` is what it got last (``waiting for /up: 404``)."""

    unit: Unit
    why: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NoMachineYet:
    """Units wait for a machine for longer than placing one takes. ``why`` sets their rules beside the machines."""

    names: tuple[UnitName, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A unit runs and has stayed running for the settle time."""

    unit: Unit
    seconds: float


@dataclass(frozen=True, slots=True)
class Parking:
    """Earlier instances are stopped and taken off their machines; their files are kept until the deploy is done."""

    names: tuple[UnitName, ...]


@dataclass(frozen=True, slots=True)
class Settling:
    """The earlier instances are stopped; the new ones have to stand without them for ``seconds`` before those go."""

    names: tuple[UnitName, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Retiring:
    """These instances are stopped and destroyed. ``undo`` says that they are the new ones of a failed rollout."""

    names: tuple[UnitName, ...]
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """An instance is stopped and in no list any more (``parked``: stopped, its file kept)."""

    name: UnitName
    seconds: float
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Restoring:
    """Earlier instances that had been parked are started again."""

    names: tuple[UnitName, ...]


@dataclass(frozen=True, slots=True)
class EngineAway:
    """The engine does not answer; the rollout waits for it until its time limit. ``why`` is one sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class EngineBack:
    """The engine answers again after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the rollout failed: of which unit (its last sight), if of one, and what the engine said, if it said it.

    ``health`` is what the unit's health gate got last, where that has to do with it.
    """

    reason: Reason
    names: tuple[UnitName, ...] = ()
    unit: Unit | None = None
    text: str = ""
    health: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The rollout has failed; what is undone comes next."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class LockHeld:
    """Somebody else is changing the service; we wait. ``by`` says who, since when and what."""

    by: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The last journal lines of a unit that failed; or, in ``problem``, why there are none."""

    name: UnitName
    lines: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A command that has to succeed before anything is deployed is about to run."""

    command: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """It ended after ``seconds``. ``code`` is its exit code where it is ``known``, else 1; ``late``: it was stopped at
    its time limit.
    """

    command: str
    seconds: float
    code: int = 0
    known: bool = True
    late: bool = False


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """Lines that it wrote."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskLeft:
    """Units of tasks could not be taken out in time; the next run does that."""

    names: tuple[UnitName, ...]


@dataclass(frozen=True, slots=True)
class HookStarted:
    """A line of a hook (``pre_deploy``) is about to run."""

    hook: str
    line: str


@dataclass(frozen=True, slots=True)
class HookSaid:
    """The hook printed this."""

    text: str


@dataclass(frozen=True, slots=True)
class HookDone:
    """The line succeeded, in ``seconds``."""

    hook: str
    seconds: float


@dataclass(frozen=True, slots=True)
class HookWarned:
    """A line of a hook failed when what it is about was over; ``why`` is one sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that who deploys should know, in one sentence; it stops nothing."""

    text: str


Event = (
    Starting
    | Resized
    | Changed
    | Waiting
    | NoMachineYet
    | Ready
    | Parking
    | Settling
    | Retiring
    | Gone
    | Restoring
    | EngineAway
    | EngineBack
    | Failed
    | Journal
    | LockHeld
    | TaskStarted
    | TaskDone
    | TaskOutput
    | TaskLeft
    | HookStarted
    | HookSaid
    | HookDone
    | HookWarned
    | Noticed
)

# Called with each event as it happens. What it raises ends whatever tells, as a signal does.
Tell = Callable[[Event], None]


_HEADLINES = {
    Reason.FAILED: "{who} failed{place}",
    Reason.CRASH_LOOP: "{who} keeps crashing{place}",
    Reason.DIED: "{who} died{place} after it was ready",
    Reason.ENDED: "{who} ended{place}, and a service is meant to go on running",
    Reason.GONE: "{who} was stopped or destroyed by somebody else",
    Reason.NO_MACHINE: "no machine fits {who}",
    Reason.UNHEALTHY: "{who} is not healthy{place}",
    Reason.NOT_YET: "{who} did not come up in time{place}",
    Reason.NOT_GONE: "{who} did not go away in time",
    Reason.NOT_RESTORED: "{who} did not come back up in time",
    Reason.LOST: "{who} may run{place}, which does not answer any more",
    Reason.REFUSED: "{text}",
    Reason.AWAY: "{text}",
    Reason.REPLACED: "{who} was replaced by somebody else: its unit file is another one",
}


def headline(failure: Failure) -> str:
    """Return what went wrong, in one sentence without a full stop."""
    here = failure.unit and failure.unit.machine and (len(failure.names) == 1 or failure.reason is Reason.LOST)
    place = f" on {where(failure.unit)}" if failure.unit and here else ""
    if failure.reason is Reason.FAILED and failure.unit and failure.unit.load in UNLOADABLE:
        place += f": systemd can't load its unit file ({failure.unit.load})"
    text = failure.text.rstrip(".")
    health = f": {failure.health}" if failure.health else ""
    return _HEADLINES[failure.reason].format(who=some_names(failure.names), place=place, text=text) + health


def rules_and_machines(file: UnitFile | None, machines: Sequence[Machine], units: Sequence[Unit]) -> str:
    """Why no machine fits: a unit's placement rules, beside them what each machine offers and runs of it already."""
    rules = "; ".join(file.placement) if file else ""
    offers = "; ".join(f"{m.label} has {_metadata(m)}{_there(m, file, units)}" for m in machines)
    return f"It asks for {rules or 'nothing special'}. The machines: {offers or 'none answers'}."


def _metadata(machine: Machine) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(machine.metadata.items())) or "no metadata"


def _there(machine: Machine, file: UnitFile | None, units: Sequence[Unit]) -> str:
    """Return the units of the same service that a machine has already, where rules may keep them apart."""
    if file is None or not file.values("X-Fleet", "Conflicts"):
        return ""
    names = [u.name for u in units if u.machine and u.machine.id == machine.id and u.name.service == file.name.service]
    return f" and runs {some_names(names)}" if names else ""
