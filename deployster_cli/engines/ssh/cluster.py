"""The machines together: asked at the same time, and what they say made into one listing."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from deployster_cli.domain.units.model import Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.base import Silent
from deployster_cli.engines.local.join import join
from deployster_cli.engines.ssh import notes, results, scripts
from deployster_cli.engines.ssh.absent import Absent
from deployster_cli.engines.ssh.commands import left_out
from deployster_cli.engines.ssh.declaration import SshOptions
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.links import Links, Outcome
from deployster_cli.engines.ssh.notes import Kept, Place
from deployster_cli.engines.ssh.parse import Listed, Seen, listed
from deployster_cli.engines.ssh.results import Answer, refused
from deployster_cli.errors import EngineError, EngineLost, EngineMissing, EngineUnreachable, TemplateFault

if TYPE_CHECKING:
    from deployster_cli.domain.rollout.placing import Resident
    from deployster_cli.domain.units.unitfile import UnitFile

# Seconds for which a listing still says which machines there are.
_FRESH = 2.0


# Seconds without an answer after which no run waits for a machine any more: it takes longer to boot one.
_LOST_AFTER = 20.0


class Listing(NamedTuple):
    """What all machines said at one moment. ``silent`` are those that didn't answer, each with why."""

    at: float
    machines: Mapping[Host, Listed]
    silent: Mapping[Host, EngineError]
    units: tuple[Unit, ...] = ()
    notes: Mapping[str, Kept] = {}

    def hosts(self, name: UnitName) -> list[Host]:
        """Return the machines that have a unit, or run what is left of it."""
        units = {
            each.machine.id for unit in self.units if unit.name == name for each in unit.placements if each.machine
        }
        return [host for host, found in self.machines.items() if found.id in units]

    @property
    def away(self) -> dict[UnitName, str]:
        """The units of machines that don't answer, with what the machine is called."""
        answering = {found.id for found in self.machines.values()}
        return {
            each.name: each.machine.label
            for unit in self.units
            for each in unit.placements
            if each.machine and each.machine.id not in answering and not each.foreign
        }


class Cluster:
    """The machines of the options, and the last listing of them."""

    def __init__(self, options: SshOptions) -> None:
        self.options = options
        self.links = Links(options)
        left = left_out(options)
        self.hosts = tuple(host for host in options.machines if host.text not in left)
        self.without = tuple(host for host in options.machines if host.text in left)
        self._last: Listing | None = None
        self._absent = Absent(self.links, options.read_timeout)
        self._silent_since: dict[Host, float] = {}
        self._written: dict[str, int] = {}

    @property
    def most(self) -> int:
        """How many machines decide whose a lock is: more than half of all, or where fewer are left all of these."""
        return min(len(self.options.machines) // 2 + 1, len(self.hosts))

    def listing(self, *, anew: bool = False) -> Listing:
        """Return a listing of this moment, or the last one while it is fresh. Errors as Engine's: where no machine
        answers.
        """
        if anew or self._last is None or time.monotonic() - self._last.at > _FRESH:
            self._last = self._list()
        return self._last

    @property
    def last(self) -> Listing:
        """The last listing; one is made where there is none."""
        return self._last or self.listing()

    @property
    def silent(self) -> tuple[Silent, ...]:
        """The machines that did not answer the last listing, with why; none where there was none."""
        if not self._last:
            return ()
        # Any two majorities share a machine, and what a machine is given is written to one first.
        known = len(self._last.machines) > len(self.options.machines) // 2
        return tuple(
            Silent(_machine(host, ""), f"{error.message} {results.cure(error)}".rstrip(), known and _is_away(error))
            for host, error in self._last.silent.items()
        )

    def ask(
        self, bodies: Mapping[Host, str], limit: float, what: str, fine: Collection[int] = (0,)
    ) -> dict[Host, Answer]:
        """Return what these machines answer, each to its script. Where one fails or doesn't answer its error is raised,
        once all have been asked: one that is not known to have done nothing before one that refused.
        """
        answers, errors = self._asked(bodies, limit, what, fine)
        if errors:
            raise min(errors.values(), key=_weight)
        return answers

    def most_of(self, body: str, limit: float, what: str) -> dict[Host, Answer]:
        """Return what more than half of the machines answer to the same script, the others left aside;
        EngineUnreachable where it is fewer.
        """
        few = (
            len(self.hosts) - len(self._absent.among(self.hosts)) < self.most
        )  # the others may be back, and are needed
        answers, errors = self._asked(dict.fromkeys(self.hosts, body), limit, what, (0,), anew=few)
        if len(answers) < self.most or not answers:
            raise self._too_few(len(answers), errors)
        return answers

    def next_of(self, path: str, text: str) -> Kept:
        """Return the note that takes the place of the one at ``path``: whoever writes it has the service's lock, and
        has seen a listing since it has.
        """
        times = max(self.last.notes.get(path, Kept()).times, self._written.get(path, 0))
        self._written[path] = times + 1
        return Kept(times + 1, text)

    def wrote(self, path: str) -> bool:
        """Whether this run wrote the note at ``path``."""
        return path in self._written

    def move(self, add: Iterable[Place], drop: Collection[UnitName], service: str) -> None:
        """Have most machines keep where a service's units are, once some are put in or some were taken away. Errors as
        ``most_of``'s.

        What is known of machines that don't answer is kept, but for those that are in no list any more.
        """
        left = {host.name for host in self.without}
        answering = {found.id for found in self.last.machines.values()}
        here = [
            Place(each.name, each.machine.id, each.machine.label)
            for unit in self.last.units
            if unit.name.service == service
            for each in unit.placements
            if each.machine and not (each.aside and each.machine.label not in left)
        ]
        path = notes.placed_of(service)
        kept = {place for place in (*here, *add) if place.unit not in drop or place.machine not in answering}
        body = scripts.write_notes({path: self.next_of(path, notes.written(sorted(kept))).copy})
        self.most_of(body, self.options.write_timeout, "write")

    def machine(self, host: Host) -> Machine | None:
        """Return a machine that answered, with its metadata."""
        found = self.last.machines.get(host)
        return _machine(host, found.id) if found else None

    def residents(self) -> list[Resident]:
        """Return what the machines have and run, with its rules: what is stopped keeps nothing away."""
        from deployster_cli.domain.rollout.placing import Resident

        busy = {
            (each.name, each.machine.id)
            for unit in self.last.units
            for each in unit.placements
            if each.machine and not (each.stopped and each.desired is not State.LAUNCHED)
        }
        return [
            Resident(_rules(seen), found.id, seen.port)
            for found in self.last.machines.values()
            for seen in found.held
            if (seen.name, found.id) in busy
        ]

    def _asked(
        self, bodies: Mapping[Host, str], limit: float, what: str, fine: Collection[int], *, anew: bool = False
    ) -> tuple[dict[Host, Answer], dict[Host, EngineError]]:
        answers: dict[Host, Answer] = {}
        errors: dict[Host, EngineError] = {}
        for host, outcome in self._each(bodies, limit, what, anew=anew).items():
            if isinstance(outcome, EngineError):
                errors[host] = outcome
            elif outcome.code in fine:
                answers[host] = outcome
            else:
                errors[host] = refused(host.name, what, outcome)
        return answers, errors

    def _each(self, bodies: Mapping[Host, str], limit: float, what: str, *, anew: bool = False) -> dict[Host, Outcome]:
        """Return what the machines answer. Those that were not reached just now aren't asked, unless ``anew``."""
        absent = {} if anew else self._absent.among(bodies)
        outcomes = self.links.each({host: bodies[host] for host in bodies if host not in absent}, limit, what)
        for host, outcome in outcomes.items():
            self._absent.heard(host, outcome)
        return {**outcomes, **absent}

    def _list(self) -> Listing:
        at = time.monotonic()
        outcomes = self._each(dict.fromkeys(self.hosts, scripts.LIST), self.options.read_timeout, "list")
        self._absent.try_again()
        machines: dict[Host, Listed] = {}
        silent: dict[Host, EngineError] = {}
        for host, outcome in outcomes.items():
            try:
                machines[host] = _listed(host, outcome)
            except EngineError as error:
                silent[host] = error
        self._silent_since = {host: self._silent_since.get(host, time.monotonic()) for host in silent}
        if not machines:
            raise self._too_few(0, silent)
        _check_apart(machines)
        kept = notes.merged(found.notes for found in machines.values())
        lost = {host.name for host in silent if self._is_lost(host)}
        units = self._joined(machines, _elsewhere(machines, silent, self.without, lost))
        return Listing(at, machines, silent, units, kept)

    def _joined(self, machines: Mapping[Host, Listed], away: Iterable[Unit]) -> tuple[Unit, ...]:
        """Return the units of all machines. Destroyed ones that have stopped by now are removed on the way."""
        copies: dict[UnitName, list[Unit]] = {}
        everywhere: set[UnitName] = set()
        over: dict[Host, str] = {}
        for host, found in machines.items():
            units, done = join(found.held, found.shown, _machine(host, found.id), found.folder)
            everywhere |= {seen.name for seen in found.held if _is_global(seen)}
            for unit in units:
                copies.setdefault(unit.name, []).append(unit)
            if done:
                over[host] = scripts.destroy(done)
        for unit in away:
            copies.setdefault(unit.name, []).append(unit)
        self.links.each(over, self.options.write_timeout, "remove")  # somebody who may only look sees the same
        return tuple(_one(copies[name], everywhere=name in everywhere) for name in sorted(copies))

    def _is_lost(self, host: Host) -> bool:
        since = self._silent_since.get(host)
        return since is not None and time.monotonic() - since >= _LOST_AFTER

    def _too_few(self, answered: int, errors: Mapping[Host, EngineError]) -> EngineError:
        """Return the error for a call to which too few machines answered."""
        worst = min(errors.values(), key=_weight)
        if len(self.options.machines) == 1 or (not answered and len({type(one) for one in errors.values()}) == 1):
            return worst
        names = sorted(host.name for host in errors)
        hint = worst.hint or f"Without an answer: {', '.join(names)}."
        kind = EngineLost if answered and all(map(self._is_lost, errors)) else EngineUnreachable
        did = "could do it"
        if all(isinstance(error, EngineUnreachable) for error in errors.values()):
            did = "answers" if answered == 1 else "answer"
            if len(names) > 1:
                hint = f"Bring them back; or leave them out: --without {','.join(names)}. They are then left alone."
        return kind(
            f"Only {answered} of {len(self.options.machines)} machines {did}. {worst.message}",
            hint,
            argv=worst.argv,
            code=worst.code,
            out=worst.out,
            err=worst.err,
        )


def _listed(host: Host, outcome: Outcome) -> Listed:
    if isinstance(outcome, EngineError):
        raise outcome
    if outcome.code:
        raise refused(host.name, "list", outcome)
    return listed(list(outcome.parts))


def _is_away(error: EngineError) -> bool:
    """Whether nothing but the machine's coming back cures it: not a host key, a login, a name or a configuration."""
    return not (isinstance(error, EngineMissing) or results.cure(error))


def _weight(error: EngineError) -> int:
    """Return what is to be said first: of whom nobody knows what became of the call, then what no waiting cures."""
    return 0 if isinstance(error, EngineUnreachable) else 1 if isinstance(error, EngineMissing) else 2


def _check_apart(machines: Mapping[Host, Listed]) -> None:
    seen: dict[str, Host] = {}
    for host, found in machines.items():
        other = seen.setdefault(found.id, host)
        if other is not host:
            raise EngineMissing(
                f"{other.name} and {host.name} have the same /etc/machine-id: they are one machine, or one was copied.",
                "Name it once; or on the copy: rm /etc/machine-id; systemd-machine-id-setup; reboot.",
            )


def _elsewhere(
    machines: Mapping[Host, Listed],
    silent: Mapping[Host, EngineError],
    without: Iterable[Host],
    lost: Collection[str],
) -> list[Unit]:
    """Return the units that machines which don't answer were given, as far as the others know. Those of one that is
    left out, or in no list any more while all in the list answer, are nobody's to change.
    """
    answering = {found.id for found in machines.values()}
    left = {host.name for host in without}
    known = notes.places(found.notes for found in machines.values())
    away = [place for place in known if place.machine not in answering]
    if not silent:
        left |= {place.name for place in away}
    return [
        Unit(
            place.unit,
            desired=State.LAUNCHED,
            current=State.LAUNCHED,
            machine=Machine(place.machine, place.name, {"name": place.name}, silent=True, lost=place.name in lost),
            foreign=place.name in left,
            aside=place.name in left,
        )
        for place in away
    ]


def _machine(host: Host, at: str) -> Machine:
    """Return a machine with its id, empty where it did not answer. People, and those who ask over HTTP, know it by the
    name that ssh knows it by.
    """
    return Machine(at, host.name, {"name": host.name, **dict(host.metadata)}, silent=not at)


def _one(copies: list[Unit], *, everywhere: bool) -> Unit:
    """Return a unit of its copies: a global one has one on each machine, and one that came back may be on two by
    mistake.
    """
    if not everywhere and len(copies) == 1:
        return copies[0]
    return worst_of([copy._replace(everywhere=everywhere) for copy in copies])


def _is_global(seen: Seen) -> bool:
    if "\nGlobal=" not in seen.text:
        return False
    from deployster_cli.domain.rollout.placement import is_global

    return is_global(_rules(seen))


def _rules(seen: Seen) -> UnitFile:
    from deployster_cli.domain.units.unitfile import UnitFile, parse_options

    try:
        return UnitFile(seen.name, parse_options(seen.text))
    except TemplateFault:
        return UnitFile(seen.name, ())
