"""The journals of a service's instances together: the last entries of each, and with ``follow`` those that come."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field

from deployster_cli.domain.units.journal import Entry
from deployster_cli.domain.units.model import Condition, Machine, Unit
from deployster_cli.domain.units.names import UnitName, check_service, check_version
from deployster_cli.domain.wording import did_you_mean, some_names
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineMissing, NotFound
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.following import REOPENED, Follower

# Journals that are followed at the same time: each is a process, and on fleet an ssh connection.
AT_ONCE = 32

# Seconds between two listings while instances may come and go.
LIST_EVERY = 2.0

_LOOK = 0.1

# Listings in a row without a unit before it counts as gone: a listing can be short.
_ABSENT_LOOKS = 3


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one instance. ``at`` is seconds since 1970, None where the engine doesn't know it.

    ``machine`` names the machine (its address, where it has one) of a global unit, which writes on several.
    """

    name: UnitName
    text: str
    at: float | None = None
    machine: str = ""


@dataclass(frozen=True, slots=True)
class LogNote:
    """Something about the journals that is in none of them, in one sentence."""

    text: str


Logs = Generator[LogLine | LogNote, None, None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose journals: a service's, or of one version, or some instances. ``lines`` is how many of each."""

    service: str
    version: str | None = None
    instances: Collection[int] = ()
    lines: int = 10

    def check(self) -> None:
        """InvalidInput where there can be nothing of these names."""
        check_service(self.service)
        if self.version is not None:
            check_version(self.version)

    def among(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return the units that are meant, by name."""
        found = (u for u in units if u.name.service == self.service and self.version in (None, u.name.version))
        return tuple(sorted((u for u in found if not self.instances or u.name.instance in self.instances), key=_name))

    def missing(self, units: Sequence[Unit]) -> NotFound:
        """Return the error for there being none among these."""
        which = f" {self.version}" if self.version else ""
        numbers = f" @{' @'.join(map(str, sorted(self.instances)))}" if self.instances else ""
        there = some_names([unit.name for unit in units if unit.name.service == self.service])
        meant = did_you_mean(self.service, (unit.name.service for unit in units))
        more = f" There is {there}." if there else meant
        return NotFound(f"No instance of {self.service}{which}{numbers} found.{more}", "deployster units lists them.")


def _name(unit: Unit) -> UnitName:
    return unit.name


def logs(engine: Engine, wanted: Wanted, clock: Clock, *, follow: bool = False) -> Logs:
    """Return the lines, oldest first where the engine knows their times; NotFound where there is no instance.

    With ``follow`` it goes on until it is closed or interrupted, and then leaves no process behind. EngineError where
    not one journal can be had.
    """
    wanted.check()
    there = engine.units()
    units = wanted.among(there)
    if not units:
        raise wanted.missing(there)
    yield from _followed(engine, wanted, units, clock) if follow else _recorded(engine, wanted, units)


def _recorded(engine: Engine, wanted: Wanted, units: Sequence[Unit]) -> Logs:
    lines: list[LogLine] = []
    problems: dict[str, EngineError] = {}
    for unit in (copy for wide in units for copy in wide.placements):
        if unit.condition is Condition.WAITING:
            yield LogNote(f"{unit.name.short} is not on a machine, so it has no journal.")
            continue
        at = _apart(unit)
        try:
            lines += [line for e in engine.entries(unit.name, wanted.lines, at=at) for line in _lines(unit.name, e, at)]
        except EngineError as error:
            problems.setdefault(error.message, error)
    if problems and not lines:
        raise next(iter(problems.values()))
    yield from map(LogNote, problems)
    yield from sorted(lines, key=lambda line: line.at or 0.0)


def _lines(name: UnitName, entry: Entry, at: Machine | None) -> Iterator[LogLine]:
    machine = (at.ip or at.label) if at else ""
    return (LogLine(name, text, entry.at, machine) for text in entry.text.split("\n"))


def _apart(unit: Unit) -> Machine | None:
    """Return the machine that a copy of a global unit is to be asked on; None where the unit's name is enough."""
    return unit.machine if unit.everywhere else None


def _followed(engine: Engine, wanted: Wanted, units: Sequence[Unit], clock: Clock) -> Logs:
    crowd = _Crowd(engine, wanted.lines)
    try:
        while True:
            yield from crowd.seen(units)
            listed = clock.now()
            while clock.now() - listed < LIST_EVERY:
                yield from crowd.news()
                clock.sleep(_LOOK)
            try:
                units = wanted.among(engine.units())
            except EngineMissing:
                raise
            except EngineError as error:
                yield from crowd.note(error.message)
    finally:
        crowd.close()


# A journal: the unit's, or with a machine's id that of a global unit's copy there.
_Key = tuple[UnitName, str]


@dataclass
class _Followed:
    """One instance: its follower, the machine it is on, and the listings in a row that lack it."""

    follower: Follower
    machine: str
    absent: int = 0


@dataclass
class _Crowd:
    """The instances that are followed now."""

    engine: Engine
    lines: int
    _of: dict[_Key, _Followed] = field(default_factory=dict)
    _noted: set[str] = field(default_factory=set)
    _begun: bool = False
    _heard: bool = False

    def seen(self, units: Sequence[Unit]) -> Iterator[LogLine | LogNote]:
        """After a listing: drop who is gone, take in who is new, begin anew with who has moved."""
        there = {_key(copy): copy for unit in units for copy in unit.placements if copy.machine}
        for key, one in list(self._of.items()):
            one.absent = 0 if key in there else one.absent + 1
            moved = key in there and _place(there[key]) != one.machine
            if moved or one.absent >= _ABSENT_LOOKS:
                yield from self._drop(key)
        new = [unit for key, unit in there.items() if key not in self._of]
        room = AT_ONCE - len(self._of)
        for unit in new[:room]:
            lines = REOPENED if self._begun else self.lines
            self._of[_key(unit)] = _Followed(Follower(self.engine, unit.name, lines, _apart(unit)), _place(unit))
        self._begun = True
        if new[room:]:
            out = some_names([unit.name for unit in new[room:]])
            yield from self.note(f"{AT_ONCE} journals are followed at once; left out: {out}.")

    def news(self) -> Iterator[LogLine | LogNote]:
        """Yield what has come, of all of them."""
        for one in self._of.values():
            yield from self._taken(one.follower)
        troubles = [error for one in self._of.values() if (error := one.follower.trouble)]
        if troubles and not self._heard and len(troubles) == len(self._of):
            raise troubles[0]
        for error in troubles:
            yield from self.note(error.message)

    def note(self, text: str) -> Iterator[LogNote]:
        """Yield a note, once."""
        if text not in self._noted:
            self._noted.add(text)
            yield LogNote(text)

    def close(self) -> None:
        """Follow nobody any more."""
        for one in self._of.values():
            one.follower.stop()
        for one in self._of.values():
            one.follower.close()

    def _drop(self, key: _Key) -> Iterator[LogLine]:
        follower = self._of.pop(key).follower
        follower.close()
        yield from self._taken(follower)

    def _taken(self, follower: Follower) -> Iterator[LogLine]:
        for entry in follower.taken():
            self._heard = True
            yield from _lines(follower.name, entry, follower.at)


def _key(unit: Unit) -> _Key:
    return (unit.name, _place(unit) if unit.everywhere else "")


def _place(unit: Unit) -> str:
    return unit.machine.id if unit.machine else ""
