"""The Engine protocol. The engines there are, and what each declares of itself, are in declaration.py."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from deployster_cli.domain.lock import Note
    from deployster_cli.domain.record import Record
    from deployster_cli.domain.rollout.placing import Placed
    from deployster_cli.domain.rollout.plan import Plan
    from deployster_cli.domain.units.journal import Entry
    from deployster_cli.domain.units.model import Machine, Unit
    from deployster_cli.domain.units.names import UnitName
    from deployster_cli.domain.units.needs import Needs, Prerequisite
    from deployster_cli.domain.units.unitfile import UnitFile
    from deployster_cli.errors import EngineError


class Trouble(NamedTuple):
    """What is wrong with one machine, in a sentence, and what cures it. ``about`` is a word for what was looked at;
    not ``sure``: a deploy may well succeed.
    """

    machine: str
    text: str
    cure: str
    about: str = "machine"
    sure: bool = True


class Step(NamedTuple):
    """One thing to do on a machine before units run there: ``why``, a sentence, and the ``command`` that root types.

    ``by_hand`` says why the engine can't do it itself; it is empty where it can.
    """

    machine: str
    why: str
    command: str
    by_hand: str = ""


class Setup(Protocol):
    """How an engine makes machines ready for units."""

    def steps(self, needs: Needs) -> Mapping[str, tuple[Step, ...] | EngineError]:
        """Return what is left to do on each machine, in this order; or why it can't be asked, or nothing be
        done there.
        """
        ...

    def take(self, step: Step, limit: float, told: Callable[[str], None]) -> None:
        """Do a step, in ``limit`` seconds and as many that it may wait for others there; EngineError where it fails.
        ``told`` hears what it waits for. Any thread may call it. What was begun goes on to its end, whatever becomes of
        the call.
        """
        ...


class Silent(NamedTuple):
    """A machine that did not answer, by its name and metadata at least, and why.

    ``passable``: what has nothing to do with it may go on without it. The units that it was given are all in the
    listing, and nothing but its coming back cures it.
    """

    machine: Machine
    why: str
    passable: bool


class Locks(Protocol):
    """Where an engine keeps the notes that say who may change a service. Errors as Engine's."""

    def caveat(self) -> str:
        """Whom a lock taken now would not keep away, in a sentence; empty where it keeps all others away.

        InvalidInput where that can be helped.
        """
        ...

    def put(self, note: Note, *, replace: bool = False) -> float:
        """Put a note in where there is none (or over the one there is); read back ``float`` seconds later.

        Until then nobody can tell whose note will stay: fleet looks whether there is one, and writes a moment later.
        """
        ...

    def read(self, service: str) -> Note | None:
        """Return the note that is there now."""
        ...

    def drop(self, service: str) -> None:
        """Take the note out, whosever it is; none there is fine."""
        ...

    def end(self, note: Note) -> bool:
        """Have no copy of this note count any more, as its run is over: none that a machine has which is away, and none
        that a call which was cut off may yet put in. False where nothing is done, as one place has all notes.
        """
        ...

    def shown(self, note: Note) -> bool:
        """Whether this very note was there when the engine last listed its units (no call is made for it)."""
        ...


class Records(Protocol):
    """Where an engine keeps what was asked of a service last, one record a service. Errors as Engine's.

    Only who holds the service's lock writes.
    """

    def listed(self, service: str) -> bool:
        """Whether there was a record when the engine last listed its units (no call is made for it)."""
        ...

    def read(self, service: str) -> Record | None:
        """Return the record that is there now; None where there is none that can be read."""
        ...

    def write(self, record: Record) -> None:
        """Put the record in, in place of the one that may be there: whole or not at all, in one call."""
        ...

    def drop(self, service: str) -> None:
        """Take the record out; none there is fine."""
        ...


class Entries(Protocol):
    """A unit's journal entries. One thread takes them; raises EngineError where they can't be had (any longer)."""

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        ...

    def close(self) -> None:
        """No more of them, and nothing left of what brought them: from any thread, at any time."""
        ...


class Engine(Protocol):
    """What runs units. Each call is bounded by a time limit of the engine's own and raises errors.EngineError:

    EngineMissing (its program is not there), EngineUnreachable (no answer: what became of the call is unknown, and
    it may be made again), OutputUnreadable, or EngineError itself (the call was refused).
    """

    # Whether all units share one machine, so that no placement rule can keep two of them apart.
    is_local: bool

    # Seconds behind a request at which a look at what came of it is worth what it costs.
    soon: float

    # Whether it is decided before a unit starts where it will run; see ``place``.
    places: bool

    @property
    def locks(self) -> Locks:
        """Who may change a service."""
        ...

    @property
    def records(self) -> Records:
        """What was asked of a service last."""
        ...

    def check(self) -> str:
        """Why this engine can't be used, in one sentence; empty where it can."""
        ...

    def units(self) -> tuple[Unit, ...]:
        """Every unit whose name is one of ours (UnitName.parse), joined from all that the engine lists, by name.

        Those that are not certainly Deployster's, as far as the listing tells, are foreign: see ``settled``.
        """
        ...

    def settled(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return these units judged by their files, whatever is listed of them: ours is whose stamp names that very
        unit.

        What can't be read, or is just gone, is foreign; EngineUnreachable or EngineMissing where nothing can be read.
        Each content is read once; what was found holds for later listings too.
        """
        ...

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that take units now."""
        ...

    @property
    def silent(self) -> Sequence[Silent]:
        """The machines that did not answer the last listing; how their units are is not known. No call is made."""
        ...

    @property
    def ssh_targets(self) -> Sequence[str]:
        """The machines that answered the last listing, as ssh takes them; empty where an engine's are reached in
        another way.
        """
        ...

    def troubles(self, needs: Needs) -> tuple[Trouble, ...]:
        """Return what is wrong with single machines; they are asked. Empty where an engine can't tell them apart."""
        ...

    @property
    def setup(self) -> Setup | None:
        """How its machines are made ready; None where that is not the engine's to do."""
        ...

    def place(self, plan: Plan, files: Mapping[UnitName, UnitFile]) -> Placed:
        """Where each unit that the plan starts will run, Refused where one can't run anywhere; from now on ``start``
        puts it there. Empty where that is decided once it starts.
        """
        ...

    def absent(self, paths: Collection[Prerequisite]) -> Sequence[tuple[Prerequisite, Machine]] | None:
        """Those that are not there, each with the machine that lacks it: where ``place`` has put the unit, else on each
        that fits. None where nobody can look. What a machine that does not answer lacks is not known.
        """
        ...

    def start(self, files: Collection[UnitFile]) -> None:
        """Put these units in and start them, in one call; returns once accepted and waits for none.

        A name that is in already with the same content is started; with other content: EngineError, nothing started.
        """
        ...

    def resume(self, names: Collection[UnitName]) -> None:
        """Start units again that ``stop`` or ``unload`` stopped; returns once accepted."""
        ...

    def stop(self, names: Collection[UnitName]) -> None:
        """Ask these units to stop (ExecStop runs); their files stay. Returns once accepted. Unknown names are fine."""
        ...

    def unload(self, names: Collection[UnitName]) -> None:
        """Take stopped units off their machines and keep their files, so that others may be placed there."""
        ...

    def destroy(self, names: Collection[UnitName]) -> None:
        """Remove these units; returns once accepted. Unknown names are fine. Stop them first."""
        ...

    def cat(self, name: UnitName) -> UnitFile | None:
        """Return the unit file that the engine holds, or None where it has no such unit."""
        ...

    def files(self, units: Sequence[Unit]) -> Mapping[UnitName, UnitFile]:
        """Return the unit files of these units as they were just listed, without those that can't be read.

        EngineUnreachable or EngineMissing where nothing can be read.
        """
        ...

    def journal(self, name: UnitName, lines: int = 10) -> Iterator[str]:
        """Yield the unit's last journal lines for a person, each with its time and without its newline."""
        ...

    def entries(
        self, name: UnitName, lines: int | None, *, follow: bool = False, at: Machine | None = None, after: str = ""
    ) -> Entries:
        """Return the unit's last journal entries whole (``lines`` None: all), oldest first, then (with ``follow``) each
        as it comes.

        ``at`` says on which machine, for a copy of a global unit. ``after`` is an entry's cursor: only what came behind
        that one, all of it.
        """
        ...

    def exit_code(self, name: UnitName) -> int | None:
        """How the unit's main process ended, 128 and the number for a signal; None where it never ran."""
        ...

    def exec(self, name: UnitName, argv: tuple[str, ...], at: Machine | None = None) -> int:
        """Run a command on the unit's machine (a global unit has several: ``at``) with this terminal; its exit code."""
        ...

    def run_shell(self, machine: Machine, line: str) -> str:
        """Return what a shell line prints on a machine, once it is done; EngineError where it fails or can't be run
        there.
        """
        ...

    def ports(self) -> frozenset[int]:
        """TCP ports that no new unit may be given, although no unit has them: something else listens there."""
        ...
