"""A model of an engine in simulated time: it delays, crashes, restarts, loses rows, goes away and comes back.

It knows the truth (which units really run), so a test can hold a rollout to what it promises, not to what it saw.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from deployster_cli.domain.lock import Note
from deployster_cli.domain.record import Record
from deployster_cli.domain.rollout.placement import fitting, is_global
from deployster_cli.domain.rollout.placing import Placed, place
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.needs import Needs, Prerequisite
from deployster_cli.domain.units.unitfile import Stamp, UnitFile
from deployster_cli.engines.base import Silent, Step, Trouble
from deployster_cli.errors import EngineError, EngineUnreachable

HOST = Machine("m1", "10.0.0.1")


def stamped(name: UnitName, *options: tuple[str, str, str]) -> UnitFile:
    """A unit file of ours: what Deployster would have put in under this name."""
    command = ("Service", "ExecStart", "/bin/true")
    stamp = Stamp(name.service, name.version, name.instance, "2026-01-01T00:00:00Z", "ann", "process")
    return UnitFile(name, (*(options or (command,)),)).stamped(stamp)


def unstamped(name: UnitName) -> UnitFile:
    """A unit file that somebody wrote by hand."""
    return UnitFile(name, (("Service", "ExecStart", "/bin/true"),))


class Fate(Enum):
    """What becomes of a unit that is started."""

    RUNS = "runs"
    FAILS = "fails"
    LOOPS = "crashes and restarts for ever"
    RECOVERS = "crashes once, then runs"
    ENDS = "ends without having failed"
    MOVES = "is never seen active on a machine that is lost, and runs on another one half a minute later"
    EXITS = "ends well, as a oneshot does"
    NOWHERE = "fits no machine"
    REFUSED = "is refused by the engine"


@dataclass
class SimClock:
    """Time that passes only by sleeping (and a little with every look at it)."""

    at: float = 0.0

    def now(self) -> float:
        """The simulated second."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let that much pass."""
        self.at += seconds

    def epoch(self) -> int:
        """The simulated second, counted from 1970."""
        return int(self.at)

    def utc(self) -> str:
        """A fixed day, the simulated second."""
        return f"2026-01-01T{int(self.at) // 3600:02}:{int(self.at) // 60 % 60:02}:{int(self.at) % 60:02}Z"


@dataclass
class Life:
    """One unit in the model. ``placed`` is when it gets to a machine, ``up`` when it would be running."""

    fate: Fate
    desired: State = State.LAUNCHED
    placed: float = 0.0
    up: float = 0.0
    stop_done: float | None = None
    row_until: float | None = None
    file: UnitFile | None = None


@dataclass
class SimLocks:
    """engines.base.Locks in memory, as fleet's behave: a put may overwrite one that came a moment before it."""

    notes: dict[str, Note] = field(default_factory=dict)
    late: Callable[[], None] | None = None
    hidden: bool = False
    ended: list[str] = field(default_factory=list)

    def caveat(self) -> str:
        return ""

    def put(self, note: Note, *, replace: bool = False) -> float:
        if replace or note.service not in self.notes:
            self.notes[note.service] = note
        if self.late:
            late, self.late = self.late, None
            late()
        return 0.5

    def read(self, service: str) -> Note | None:
        return self.notes.get(service)

    def drop(self, service: str) -> None:
        self.notes.pop(service, None)

    def end(self, note: Note) -> bool:
        self.ended.append(note.token)
        return False

    def shown(self, note: Note) -> bool:
        return not self.hidden and self.notes.get(note.service) == note


@dataclass
class SimRecords:
    """engines.base.Records in memory; ``calls`` counts what an engine's program would be called for."""

    kept: dict[str, Record] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def listed(self, service: str) -> bool:
        return service in self.kept

    def read(self, service: str) -> Record | None:
        self.calls.append("read")
        return self.kept.get(service)

    def write(self, record: Record) -> None:
        self.calls.append("write")
        self.kept[record.service] = record

    def drop(self, service: str) -> None:
        self.calls.append("drop")
        self.kept.pop(service, None)


def _left(unit: Unit) -> Unit:
    """The unit when the registry has it no more."""
    left = [u._replace(desired=None, current=None, everywhere=False, copies=(), foreign=False) for u in unit.placements]
    return worst_of(left) if unit.copies else left[0]


def _lost(unit: Unit) -> Unit:
    """The unit in a listing without its machines' reports."""
    machine = None if unit.everywhere else unit.machine
    return unit._replace(load="", active="", sub="", machine=machine, copies=())


@dataclass
class SimEntries:
    """engines.base.Entries that are all there already."""

    entries: list[Entry]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def close(self) -> None:
        self.entries = []


@dataclass
class SimSetup:
    """engines.base.Setup: what is ``todo`` on each machine, until it is taken. What is in ``vain`` stays."""

    todo: dict[str, tuple[Step, ...] | EngineError]
    fails: dict[Step, EngineError | BaseException] = field(default_factory=dict)
    vain: Collection[Step] = ()
    waits: str = ""
    asked: list[Needs] = field(default_factory=list)
    taken: list[Step] = field(default_factory=list)

    def steps(self, needs: Needs) -> Mapping[str, tuple[Step, ...] | EngineError]:
        self.asked.append(needs)
        gone = set(self.taken).difference(self.vain)
        return {
            machine: steps if isinstance(steps, EngineError) else tuple(step for step in steps if step not in gone)
            for machine, steps in self.todo.items()
        }

    def take(self, step: Step, limit: float, told: Callable[[str], None]) -> None:
        assert limit > 0
        if self.waits:
            told(self.waits)
        if step in self.fails:
            raise self.fails[step]
        self.taken.append(step)


@dataclass
class SimEngine:
    """The Engine protocol over the model. ``lost_rows``, ``empty_looks`` and ``outages`` are numbers of looks at which
    things go wrong. Once it is ``emptied`` the registry has lost its data, and everything runs on.

    A global unit has a copy on each of ``hosts`` that fits; ``fates_on`` and ``lag`` are what differs there.
    ``stops_late`` is for how long more than the others a unit takes to stop. ``once_destroyed`` is what befalls the
    engine when something was destroyed for the first time. What is ``unreadable`` has no file that can be read.
    """

    clock: SimClock
    fates: dict[UnitName, Fate] = field(default_factory=dict)
    place_delay: float = 2.0
    start_delay: float = 1.0
    stop_delay: float = 2.0
    leave_delay: float = 2.0
    lost_rows: Collection[int] = ()
    empty_looks: Collection[int] = ()
    emptied: bool = False
    outages: Collection[int] = ()
    lives: dict[UnitName, Life] = field(default_factory=dict)
    leaving: dict[UnitName, Life] = field(default_factory=dict)
    calls: list[tuple[str, tuple[UnitName, ...]]] = field(default_factory=list)
    looks: int = 0
    looks_before: dict[str, int] = field(default_factory=dict)
    is_local: bool = False
    soon: float = 0.25
    places: bool = False
    silent: tuple[Silent, ...] = ()
    ssh_targets: tuple[str, ...] = ()
    troubled: tuple[Trouble, ...] = ()
    lacking: Mapping[str, Collection[str]] | None = None
    looked_for: list[tuple[str, ...]] = field(default_factory=list)
    setup: SimSetup | None = None
    needed: list[Needs] = field(default_factory=list)
    locks: SimLocks = field(default_factory=SimLocks)
    records: SimRecords = field(default_factory=SimRecords)
    hosts: tuple[Machine, ...] = (HOST,)
    fates_on: dict[tuple[UnitName, str], Fate] = field(default_factory=dict)
    lag: dict[str, float] = field(default_factory=dict)
    stops_late: dict[UnitName, float] = field(default_factory=dict)
    marked: set[UnitName] = field(default_factory=set)
    unmarked: set[UnitName] = field(default_factory=set)
    unreadable: Collection[UnitName] = ()
    once_destroyed: Callable[[SimEngine], None] | None = None
    settlings: list[UnitName] = field(default_factory=list)
    started: list[UnitFile] = field(default_factory=list)
    journals: dict[UnitName, list[Entry]] = field(default_factory=dict)
    exits: int | None = 7
    mute: str = ""
    answers: str | EngineError = "{now}\ndocker 0 24.0.5"

    def troubles(self, needs: Needs) -> tuple[Trouble, ...]:
        """What is wrong with single machines."""
        self.needed.append(needs)
        return self.troubled

    def place(self, plan: Plan, files: Mapping[UnitName, UnitFile]) -> Placed:
        """As the engine does where it decides before units start where they run."""
        return place(plan, files, (), self.hosts) if self.places else {}

    def absent(self, paths: Collection[Prerequisite]) -> list[tuple[Prerequisite, Machine]] | None:
        """Those of the paths that a machine is ``lacking``: path → the machines' names."""
        if self.lacking is None:
            return None
        self.looked_for.append(tuple(each.path for each in paths))
        lacking = self.lacking
        return [(each, host) for each in paths for host in self.hosts if host.label in lacking.get(each.path, ())]

    def add_running(self, *names: UnitName) -> None:
        """Units of ours that have been running for long."""
        self.add_everywhere(*map(stamped, names))

    def add_foreign(self, *names: UnitName) -> None:
        """Units that have been running for long, and were never made by Deployster."""
        self.add_everywhere(*map(unstamped, names))

    def add_unmarked(self, *names: UnitName) -> None:
        """Units of ours whose listing doesn't say so, as of a version 1.0's template with a Description of its own."""
        self.unmarked |= set(names)
        self.add_running(*names)

    def add_forged(self, *names: UnitName) -> None:
        """Foreign units whose listing says that they are ours."""
        self.marked |= set(names)
        self.add_foreign(*names)

    def add_copied(self, *names: UnitName, of: UnitName, retitled: bool) -> None:
        """Copies of a unit of ours, which its stamps still name; ``retitled``: the listing says that they are ours."""
        self.marked |= set(names) if retitled else set()
        self.add_everywhere(*(UnitFile(name, stamped(of).options) for name in names))

    def add_everywhere(self, *files: UnitFile) -> None:
        """Units with these files that have been running for long."""
        for file in files:
            self.lives[file.name] = Life(Fate.RUNS, placed=-100, up=-99, file=file)

    def running(self, service: str, version: str) -> int:
        """How many instances of the release truly serve now."""
        return sum(
            self._serves(life)
            for name, life in (self.lives | self.leaving).items()
            if (name.service, name.version) == (service, version)
        )

    def _serves(self, life: Life) -> bool:
        return self._states(life)[1] == "active"

    def _states(self, life: Life) -> tuple[str, str, str]:
        now = self.clock.now()
        if life.stop_done is not None:
            return (
                ("loaded", "inactive", "dead") if now >= life.stop_done else ("loaded", "deactivating", "stop-sigterm")
            )
        if now < life.placed or life.fate is Fate.NOWHERE or life.desired is State.INACTIVE:
            return ("", "", "")
        if now < life.up:
            return ("loaded", "activating", "start-pre")
        return self._fated(life, now - life.up)

    @staticmethod
    def _fated(life: Life, age: float) -> tuple[str, str, str]:
        running, waiting = ("loaded", "active", "running"), ("loaded", "activating", "auto-restart")
        ended = life.fate is Fate.ENDS or (life.fate is Fate.MOVES and age < 30)
        match Fate.ENDS if ended else life.fate:
            case Fate.FAILS:
                return ("loaded", "failed", "failed")
            case Fate.ENDS:
                return ("loaded", "inactive", "dead")
            case Fate.EXITS:
                return ("loaded", "active", "exited")
            case Fate.LOOPS:
                return running if age % 3 < 1 else waiting
            case Fate.RECOVERS:
                return waiting if 1 <= age < 2 else running
            case _:
                return running

    def _answer(self) -> None:
        self.looks += 1
        if self.looks in self.outages:
            raise EngineUnreachable("the engine does not answer")

    def units(self) -> tuple[Unit, ...]:
        self._answer()
        now = self.clock.now()
        self.locks.hidden = self.looks in self.empty_looks
        if self.locks.hidden or self.emptied:
            return ()
        gone = [name for name, life in self.leaving.items() if now >= (life.row_until or 0)]
        for name in gone:
            del self.leaving[name]
        rows = [self._unit(name, life) for name, life in self.lives.items()]
        rows += [_left(self._unit(name, life)) for name, life in self.leaving.items()]
        if self.looks in self.lost_rows:
            rows = [_lost(unit) for unit in rows if unit.desired is not None]
        return tuple(rows)

    def settled(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        self.settlings += [unit.name for unit in units]
        self.unmarked -= set(self.settlings)
        return tuple(u.owned(foreign=not self._ours(u.name)) if u.name in self.lives else u for u in units)

    def _ours(self, name: UnitName) -> bool:
        life = self.lives.get(name)
        return bool(life and life.file and life.file.ours)

    def _unit(self, name: UnitName, life: Life) -> Unit:
        file = life.file
        marked = name in self.marked if file is None or name in self.marked or name in self.unmarked else file.ours
        return self._listed(name, life).owned(foreign=not marked)

    def _listed(self, name: UnitName, life: Life) -> Unit:
        if life.file and is_global(life.file):
            return self._everywhere(name, life, fitting(life.file, self.hosts))
        load, active, sub = self._states(life)
        current = life.desired if active else State.INACTIVE
        if active == "deactivating":
            current = State.LOADED
        content = life.file.hash if life.file else ""
        return Unit(name, life.desired, current, load, active, sub, HOST if active else None, content)

    def _everywhere(self, name: UnitName, life: Life, hosts: Collection[Machine]) -> Unit:
        here = Unit(name, life.desired, hash=life.file.hash if life.file else "", everywhere=True)
        copies = []
        for host in hosts:
            fate = self.fates_on.get((name, host.id), life.fate)
            load, active, sub = self._states(replace(life, fate=fate, up=life.up + self.lag.get(host.id, 0)))
            copies += [here._replace(load=load, active=active, sub=sub, machine=host)] if active else []
        return worst_of(copies) if copies else here

    def machines(self) -> tuple[Machine, ...]:
        return self.hosts

    def check(self) -> str:
        return ""

    def start(self, files: Collection[UnitFile]) -> None:
        self._answer()
        names = tuple(file.name for file in files)
        self.looks_before.setdefault("start", self.looks - 1)
        self.calls.append(("start", names))
        self.started += files
        if any(self.fates.get(name) is Fate.REFUSED for name in names):
            raise EngineError("the engine refused the unit")
        for file in files:
            left = self.leaving.get(file.name)
            if left and left.file == file:
                raise EngineError(f"{file.name} was destroyed and is still stopping")
            if left and not self.emptied:
                raise AssertionError(f"{file.name} was started while its predecessor is still listed")
            self._launch(file.name, file)

    def _launch(self, name: UnitName, file: UnitFile | None) -> None:
        placed = self.clock.now() + self.place_delay
        fate = self.fates.get(name, Fate.RUNS)
        self.lives[name] = Life(fate, placed=placed, up=placed + self.start_delay, file=file)

    def resume(self, names: Collection[UnitName]) -> None:
        self._answer()
        self.calls.append(("resume", tuple(names)))
        for name in names:
            self._launch(name, self.lives[name].file)

    def stop(self, names: Collection[UnitName]) -> None:
        self._answer()
        self.looks_before.setdefault("stop", self.looks - 1)
        self.calls.append(("stop", tuple(names)))
        for name in names:
            life = self.lives.get(name)
            if life and life.desired is State.LAUNCHED:
                late = self.stops_late.get(name, 0)
                life.desired, life.stop_done = State.LOADED, self.clock.now() + self.stop_delay + late

    def unload(self, names: Collection[UnitName]) -> None:
        self._answer()
        self.calls.append(("unload", tuple(names)))
        for name in names:
            if name in self.lives:
                self.lives[name].desired, self.lives[name].stop_done = State.INACTIVE, None

    def destroy(self, names: Collection[UnitName]) -> None:
        self._answer()
        self.calls.append(("destroy", tuple(names)))
        for name in names:
            life = self.lives.pop(name, None)
            if life and self._states(life)[1]:
                life.row_until = self.clock.now() + self.leave_delay
                life.stop_done = self.clock.now()
                self.leaving[name] = life
        if self.once_destroyed:
            deed, self.once_destroyed = self.once_destroyed, None
            deed(self)

    def cat(self, name: UnitName) -> UnitFile | None:
        life = self.lives.get(name)
        return life.file if life else None

    def files(self, units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        found = {unit.name: self.cat(unit.name) for unit in units if unit.name not in self.unreadable}
        return {name: file for name, file in found.items() if file}

    def journal(self, name: UnitName, lines: int = 10) -> Iterator[str]:
        yield f"a last word of {name.short}"

    def entries(
        self, name: UnitName, lines: int | None, *, follow: bool = False, at: Machine | None = None, after: str = ""
    ) -> SimEntries:
        if self.mute:
            raise EngineUnreachable(self.mute)
        here = f" on {at.id}" if at else ""
        found = self.journals.get(name, [Entry(f"a last word of {name.short}{here}", (1, 1))])
        behind = next((number for number, entry in enumerate(found, 1) if after and entry.cursor == after), 0)
        return SimEntries(found[behind:] if after or lines is None else found[-lines:])

    def exit_code(self, name: UnitName) -> int | None:
        if self.mute:
            raise EngineUnreachable(self.mute)
        return self.exits

    def exec(self, name: UnitName, argv: tuple[str, ...], at: Machine | None = None) -> int:
        raise NotImplementedError

    def run_shell(self, machine: Machine, line: str) -> str:
        if isinstance(self.answers, EngineError):
            raise self.answers
        return self.answers.format(now=self.clock.epoch(), machine=machine.id)

    def ports(self) -> frozenset[int]:
        return frozenset()
