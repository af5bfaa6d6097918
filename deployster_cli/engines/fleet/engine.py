"""The fleet engine: each method is a few fleetctl calls, a number that does not grow with the units."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from deployster_cli.domain.units.asking import exit_code
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import LOCK, RECORD, UnitName
from deployster_cli.engines import process
from deployster_cli.engines.fleet import commands, parse, results
from deployster_cli.engines.fleet.calls import SLEEPS, Calls, environment, put, started
from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.contents import Contents
from deployster_cli.engines.fleet.declaration import DECLARATION, FleetOptions
from deployster_cli.engines.fleet.tempfolders import folder
from deployster_cli.engines.fleet.throttle import again
from deployster_cli.errors import EngineError, EngineMissing, EngineUnreachable

if TYPE_CHECKING:
    from deployster_cli.domain.rollout.placing import Placed
    from deployster_cli.domain.rollout.plan import Plan
    from deployster_cli.domain.units.needs import Needs, Prerequisite
    from deployster_cli.domain.units.unitfile import UnitFile
    from deployster_cli.engines.base import Silent, Trouble
    from deployster_cli.engines.fleet.locks import FleetLocks
    from deployster_cli.engines.fleet.records import FleetRecords
    from deployster_cli.engines.journal import Exported

T = TypeVar("T")

# Unit files that are read at once: more makes fleet's API no faster.
_SIDE_BY_SIDE = 16


class FleetEngine:
    """engines.base.Engine over fleetctl. Every call has a time limit of ours, as fleetctl waits for ever."""

    is_local = DECLARATION.is_local
    soon = 0.25  # its agents look every some seconds, and a look costs 0.1 s
    places = False
    setup = None
    silent: Sequence[Silent] = ()
    ssh_targets: Sequence[str] = ()

    def __init__(self, options: FleetOptions) -> None:
        self._options = options
        self._calls = Calls(options)
        self._listed_locks: Mapping[str, str] = {}
        self._listed_records: Mapping[str, str] = {}
        self._just_listed: tuple[tuple[parse.FileRow, ...], process.Completed] | None = None
        self._contents = Contents()

    @cached_property
    def locks(self) -> FleetLocks:
        """Who may change a service: notes in the registry."""
        from deployster_cli.engines.fleet.locks import FleetLocks  # looking needs none

        return FleetLocks(self._options, self._calls, lambda: self._listed_locks)

    @cached_property
    def records(self) -> FleetRecords:
        """What was asked of a service last: units in the registry that nobody starts."""
        from deployster_cli.engines.fleet.records import FleetRecords  # looking at units needs none

        return FleetRecords(self._options, self._calls, lambda: self._listed_records)

    def check(self) -> str:
        """Why the cluster can't be used: no fleetctl, another program of that name, no answer. Empty where it can."""
        try:
            results.program_version(self._calls.read(commands.version(self._options)))
            self.machines()
        except EngineError as error:
            return f"{error.message} {error.hint}".rstrip()
        return ""

    @parse.no_collecting()
    def units(self) -> tuple[Unit, ...]:
        """Both listings, made side by side, joined. See ``output.join`` for what counts where they disagree."""
        reported, files = self._calls.both(commands.list_units(self._options), commands.list_unit_files(self._options))
        rows = results.parsed(files, parse.file_rows)
        self._calls.rhythm.listed(files.out)
        self._just_listed = rows, files
        self._listed_locks = {row.name: row.hash for row in rows if row.name.startswith(LOCK)}
        self._listed_records = {row.name: row.hash for row in rows if row.name.startswith(RECORD)}
        return self._contents.told(parse.join(results.parsed(reported, parse.unit_rows), rows))

    def settled(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return the units judged by their files: one ``cat`` a content that is not known yet, a few side by side."""
        asked: dict[str, UnitName] = {}
        while unread := [one for one in self._contents.unknown(units).items() if one[0] not in asked][:_SIDE_BY_SIDE]:
            asked |= unread
            done = self._calls.each([commands.cat(self._options, name.text) for _, name in unread])
            for (_, name), one in zip(unread, done, strict=True):
                self._learn(name, one)
        return self._contents.judged(units)

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that take units now, with their metadata."""
        return results.parsed(self._calls.read(commands.list_machines(self._options)), parse.machines)

    def troubles(self, needs: Needs) -> tuple[Trouble, ...]:  # noqa: ARG002 - nothing that it could ask
        """None: what can be wrong is found where machines are probed."""
        return ()

    def place(self, plan: Plan, files: Mapping[UnitName, UnitFile]) -> Placed:  # noqa: ARG002 - nobody can tell
        """Nothing: fleet decides it when they start."""
        return {}

    def absent(self, paths: Collection[Prerequisite]) -> None:
        """None: where they run fleet decides once they start."""

    def start(self, files: Collection[UnitFile]) -> None:
        """Put units in and start them. A file per instance, so no template, here or in the registry, can stand in.

        Their content is compared before, as fleetctl would start whatever the registry has. fleetctl says nothing of
        a unit that is launched already, so units of which it said nothing are looked at again after.

        They are put in by a call of their own: of what one call changes fleet hears the first only, and what is to wake
        it is that they are wanted. That they are wanted on a machine is enough for it to begin. See ``rhythm``.
        """
        wanted = {file.name.text: file for file in files}
        if not wanted:
            return
        present, _ = self._present(wanted, "nothing was started.")
        for file in files:
            self._contents.learn(file, file.hash)
        with folder() as at:
            put(at, {name: file.text for name, file in wanted.items()})
            new = [name for name in wanted if name not in present]
            self._submit(at, new)
            self._announce(at, new)
            triggered = self._start(at, wanted)
        silent = wanted.keys() - triggered - _launched_in(present)
        if silent:
            self._confirm({name: wanted[name] for name in silent})

    def resume(self, names: Collection[UnitName]) -> None:
        """Start units of the registry again. Unknown ones are an EngineError, and then none is started."""
        wanted = _texts(names)
        if not wanted:
            return
        rows, listing = self._files()
        missing = set(wanted) - rows.keys()
        if missing:
            raise results.missing(missing, listing)
        self._calls.rhythm.wait()
        with folder() as at:
            self._start(at, wanted)

    def stop(self, names: Collection[UnitName]) -> None:
        """Ask units to stop. fleetctl stops launched units only, and gives up at the first that is on no machine.

        One that waits for a machine is told to load and not to run, else it would start later all the same. fleetctl
        does not tell when the API failed on a unit: whoever waits for it asks again.
        """
        if not names:
            return
        rows, _ = self._files()
        found = [rows[name] for name in _texts(names) if name in rows]
        running = [row.name for row in found if _launched(row)]
        waiting = [row.name for row in found if row.current == State.INACTIVE and row.desired == State.LAUNCHED]
        self._ask(commands.stop, running)
        if waiting:
            with folder() as at:
                self._load(at, waiting)

    def unload(self, names: Collection[UnitName]) -> None:
        """Take units off their machines and keep their files. fleetctl passes over unknown and inactive ones."""
        if names:
            self._ask(commands.unload, _texts(names))

    def destroy(self, names: Collection[UnitName]) -> None:
        """Remove units. Their machines drop them some seconds later: gone is what neither listing has.

        They are unloaded first. A machine looks at once when the state changes that is wanted of a unit; that a unit is
        removed it sees only when it next looks by itself (see ``rhythm``). Those that are off their machines need none.
        """
        off = self._off()
        self.unload([name for name in names if name.text not in off])
        self._remove(commands.destroy, _texts(names))

    def cat(self, name: UnitName) -> UnitFile | None:
        """Return the unit file in the registry, None where it has no such unit."""
        return self._read(name, self._calls.read(commands.cat(self._options, name.text)))

    def files(self, units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        """Return the unit files in the registry: those that were judged are known already, the others are read."""
        found = {unit.name: self._contents.file(unit) for unit in self.settled(units)}
        return {name: file for name, file in found.items() if file}

    def journal(self, name: UnitName, lines: int = 10) -> Iterator[str]:
        """Yield the journal's lines, over ssh."""
        argv = commands.journal(self._options, name, lines)
        yield from results.journal_lines(self._reached(argv, name), name)

    def entries(
        self, name: UnitName, lines: int | None, *, follow: bool = False, at: Machine | None = None, after: str = ""
    ) -> Exported:
        """Return the journal's entries, over ssh; tried first where a person can be asked, as a stream can't wait for
        that.
        """
        from deployster_cli.engines.fleet.ssh.host_keys import asking
        from deployster_cli.engines.journal import Exported  # listings need none

        to, machine = at or name, at.id if at else ""
        if asking(machine=True):
            results.answer(self._reached(commands.ssh(self._options, name, ("true",), machine), to))
        argv = commands.entries(self._options, name, lines, follow=follow, machine=machine, after=after)
        limit = None if follow else self._options.read_timeout + self._options.ssh_timeout
        with started(self._options):
            stream = process.Stream(argv, env=environment(), limit=limit)
        return Exported(stream, lambda done: results.journal_lines(self._calls.explain(done, to), name))

    def exit_code(self, name: UnitName) -> int | None:
        """As its machine's systemd has it, over ssh."""
        argv = commands.ended(self._options, name)
        return exit_code(results.answer(self._reached(argv, name)))

    def exec(self, name: UnitName, argv: tuple[str, ...], at: Machine | None = None) -> int:
        """Run a command on the unit's machine with this terminal, a shell where it is empty; its exit code.

        A command that does nothing goes ahead of it. What stops ssh stops that, so nothing is left for fleetctl to ask:
        the answer to its question about a host key would be taken out of what the command is to read.
        """
        to, machine = at or name, at.id if at else ""
        results.answer(self._reached(commands.ssh(self._options, name, ("true",), machine), to))
        with started(self._options):
            code = process.attach(commands.ssh(self._options, name, argv, machine), env=environment())
        return code if code >= 0 else 128 - code

    def run_shell(self, machine: Machine, line: str) -> str:
        """Return what a shell line prints on a machine, over ssh."""
        argv = commands.run_shell(self._options, machine.id, line)
        return results.answer(self._reached(argv, machine))

    def ports(self) -> frozenset[int]:
        """None: fleet knows of no ports but those of our units, and ``units`` tells these."""
        return frozenset()

    def _read(self, name: UnitName, done: process.Completed) -> UnitFile | None:
        """Return the unit file that a ``cat`` printed, its content noted; None where the registry has no such unit."""
        from deployster_cli.domain.units.unitfile import UnitFile, grouped, hash_of  # listings need none

        options = results.unit_options(done, name.text)
        if options is None:
            return None
        file = UnitFile(name, grouped(options))
        self._contents.learn(file, hash_of(done.out), file.hash)
        return file

    def _learn(self, name: UnitName, done: process.Completed) -> None:
        """Note what a ``cat`` printed, if it can be read."""
        try:
            self._read(name, done)
        except (EngineMissing, EngineUnreachable):
            raise
        except EngineError:
            return

    def _reached(self, argv: Argv, to: UnitName | Machine) -> process.Completed:
        """Return a reading call that goes on to a machine by ssh."""
        return self._calls.read(argv, beside=self._options.ssh_timeout, to=to)

    def _present(
        self, wanted: dict[str, UnitFile], outcome: str, *, anew: bool = False
    ) -> tuple[dict[str, parse.FileRow], process.Completed]:
        """Return the wanted units that the registry has, and the listing that says so.

        EngineError, with the outcome in its message, where it has one of them with other content.
        """
        rows, listing = self._files(anew=anew)
        present = {name: rows[name] for name in wanted if name in rows}
        different = [name for name, row in present.items() if row.hash != wanted[name].hash]
        if different:
            raise results.other_content(different, listing, outcome)
        return present, listing

    def _confirm(self, silent: dict[str, UnitFile]) -> None:
        present, listing = self._present(silent, "somebody else put it in at the same moment.", anew=True)
        missing = silent.keys() - _launched_in(present)
        if missing:
            raise results.not_started(missing, listing)

    def _submit(self, at: Path, names: Collection[str]) -> None:
        for chunk in commands.chunks(names, beside=len(str(at)) + 1):
            self._calls.write(commands.submit(self._options, str(at), chunk), len(chunk), results.submitted, SLEEPS)

    def _start(self, at: Path, names: Iterable[str]) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for chunk in commands.chunks(names, beside=len(str(at)) + 1):
            found |= self._calls.write(commands.start(self._options, str(at), chunk), len(chunk), results.triggered)
        return found

    def _load(self, at: Path, names: Iterable[str]) -> None:
        for chunk in commands.chunks(names, beside=len(str(at)) + 1):
            self._calls.write(commands.load(self._options, str(at), chunk), len(chunk), results.answer)

    def _announce(self, at: Path, new: Collection[str]) -> None:
        """Have new units placed, if fleet hears of it; a second later it hears that they are to start."""
        self._calls.rhythm.wait()
        if new:
            with contextlib.suppress(EngineError):  # starting them says whatever is wrong
                self._load(at, new)
            self._calls.rhythm.wait_a_turn()

    def _ask(self, intent: Callable[[FleetOptions, Argv], Argv], names: Collection[str]) -> None:
        """Make a request, and make it again for whoever did not hear it. See ``rhythm``."""
        if not names:
            return
        began = time.monotonic()
        self._remove(intent, names)
        for _ in again(len(names), time.monotonic() - began):
            with contextlib.suppress(EngineError):  # asked it was, and the next look tells what became of it
                self._remove(intent, names)

    def _off(self) -> frozenset[str]:
        """Units that no machine has and none is to have, by the last look, if that was just now: fleetctl unload would
        pass over them. It doesn't pass over global ones.
        """
        rows = self._just_listed[0] if self._just_listed and self._calls.rhythm.as_listed else ()
        off = (row for row in rows if row.desired == row.current == State.INACTIVE)
        return frozenset(row.name for row in off if row.target != parse.GLOBAL)

    def _remove(self, intent: Callable[[FleetOptions, Argv], Argv], names: Iterable[str]) -> None:
        for chunk in commands.chunks(names):
            self._calls.write(intent(self._options, chunk), len(chunk), results.removed)

    def _files(self, *, anew: bool = False) -> tuple[dict[str, parse.FileRow], process.Completed]:
        """Return the registry's rows by name, and the call that listed them: the last look's, if that was just now."""
        if anew or self._just_listed is None or not self._calls.rhythm.as_listed:
            done = self._calls.read(commands.list_unit_files(self._options))
            rows = results.parsed(done, parse.file_rows)
        else:
            rows, done = self._just_listed
        return {row.name: row for row in rows}, done


def _launched_in(rows: Mapping[str, parse.FileRow]) -> set[str]:
    """Those that are wanted to run."""
    return {name for name, row in rows.items() if row.desired == State.LAUNCHED}


def _launched(row: parse.FileRow) -> bool:
    """Whether ``fleetctl stop`` has something to do. Of a global unit the registry says only what is wanted."""
    return (row.desired if row.target == parse.GLOBAL else row.current) == State.LAUNCHED


def _texts(names: Iterable[UnitName]) -> tuple[str, ...]:
    """Return the names as fleet knows them, each once."""
    return tuple(dict.fromkeys(name.text for name in names))
