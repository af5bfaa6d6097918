"""The local engine: units on this one machine, by systemd where it runs, else by supervisors of our own."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deployster_cli.domain.units.model import Machine, Unit
from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines import process
from deployster_cli.engines.base import Entries, Silent, Trouble
from deployster_cli.engines.local import parse, systemd
from deployster_cli.engines.local.calls import call
from deployster_cli.engines.local.declaration import DECLARATION, MANAGERS, LocalOptions
from deployster_cli.engines.local.join import join
from deployster_cli.engines.local.locks import LocalLocks
from deployster_cli.engines.local.parse import Shown
from deployster_cli.engines.local.records import LocalRecords
from deployster_cli.engines.local.supervisor.manager import Supervisors
from deployster_cli.engines.local.systemd import Systemd
from deployster_cli.engines.local.unit_folder import UnitFolder
from deployster_cli.errors import EngineError, EngineMissing, InvalidInput

if TYPE_CHECKING:
    from deployster_cli.domain.rollout.placing import Placed
    from deployster_cli.domain.rollout.plan import Plan
    from deployster_cli.domain.units.needs import Needs, Prerequisite

_LISTENERS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MACHINE_ID = Path("/etc/machine-id")


class Manager(Protocol):
    """What runs unit files on this machine."""

    folder: UnitFolder
    locks: LocalLocks
    records: LocalRecords

    def missing(self) -> str:
        """Why nothing can be asked of it here, in one sentence; empty where it answers."""
        ...

    def check(self) -> str:
        """Why it can't run units, in one sentence; empty where it can."""
        ...

    def states(self) -> dict[str, Shown]:
        """Return unit → state, for at least every unit that holds anything or failed."""
        ...

    def start(self, names: Sequence[UnitName]) -> None:
        """Start units whose files are in the folder; waits for none."""
        ...

    def stop(self, names: Sequence[UnitName]) -> None:
        """Stop units; waits for none. Unknown ones are fine."""
        ...

    def remove(self, names: Sequence[UnitName]) -> None:
        """Take units out that hold nothing any more, with all that is kept about them."""
        ...

    def journal(self, name: UnitName, lines: int) -> Iterator[str]:
        """Yield the last lines that a unit wrote."""
        ...

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, after: str) -> Entries:
        """Return the last entries of a unit's journal (``lines`` None: all; ``after``: all behind that entry's cursor),
        and those that come.
        """
        ...

    def exit_code(self, name: UnitName) -> int | None:
        """How a unit's main process ended; None where it never ran."""
        ...


class LocalEngine:
    """engines/base.Engine on this machine. Which manager that means is looked up on the first call."""

    is_local = DECLARATION.is_local
    soon = 0.05  # systemd does at once what it is asked for
    places = False
    setup = None
    silent: Sequence[Silent] = ()
    ssh_targets: Sequence[str] = ()

    def __init__(self, options: LocalOptions) -> None:
        self._options = options

    @functools.cached_property
    def manager(self) -> Manager:
        """The manager that every call goes to; EngineMissing where it is not to be had, so that nothing is begun."""
        manager = chosen(self._options)
        why = manager.missing()
        if why:
            raise EngineMissing(why)
        return manager

    @property
    def locks(self) -> LocalLocks:
        """Files that this machine's kernel locks."""
        return self.manager.locks

    @property
    def records(self) -> LocalRecords:
        """What was asked of a service last: files that outlive a reboot."""
        return self.manager.records

    def check(self) -> str:
        """Why this engine can't be used, in one sentence; empty where it can."""
        try:
            return self.manager.check()
        except EngineMissing as error:
            return error.message

    def units(self) -> tuple[Unit, ...]:
        """Every unit of ours. Destroyed ones that have stopped by now are taken out for good on the way.

        The states are read before the folder, so that a unit which is put in between is seen without being strange.
        """
        shown = self.manager.states()
        folder = self.manager.folder
        units, over = join(folder.held(), shown, this_machine(), str(folder.path))
        if over:
            with contextlib.suppress(EngineError):  # somebody who may only look sees the same
                self._remove(over)
        return units

    def settled(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return the units as they are: their files were read for the listing."""
        return tuple(units)

    def machines(self) -> tuple[Machine, ...]:
        """Return this machine."""
        return (this_machine(),)

    def troubles(self, needs: Needs) -> tuple[Trouble, ...]:  # noqa: ARG002 - nothing that it could ask
        """None: what can be wrong is found where machines are probed."""
        return ()

    def place(self, plan: Plan, files: Mapping[UnitName, UnitFile]) -> Placed:  # noqa: ARG002 - there is but one
        """Nothing: all run here."""
        return {}

    def absent(self, paths: Collection[Prerequisite]) -> None:
        """None: they are on this machine, where what starts units looks at them itself."""

    def start(self, files: Collection[UnitFile]) -> None:
        """Put these units in and start them. A name that is in with other content: EngineError, nothing started."""
        folder = self.manager.folder
        self._settle([file.name for file in files])
        present = [file.name for file in files if folder.has(file)]
        running = self._up(present)
        for file in files:
            folder.put(file)
        self._launch([file.name for file in files], running)

    def resume(self, names: Collection[UnitName]) -> None:
        """Start units again whose files are here."""
        missing = [name.text for name in names if not self.manager.folder.get(name)]
        if missing:
            raise EngineError(f"No unit {missing[0]} on this machine to start again.")
        self._settle(names)
        self._launch(names, self._up(names))

    def stop(self, names: Collection[UnitName]) -> None:
        """Ask these units to stop, keeping their files. One that runs on though its file is gone is stopped too."""
        ours = self._ours(names)
        for name in ours:
            self.manager.folder.unwant(name)
        strange = set(names).difference(ours)
        strays = strange.intersection(unit.name for unit in self.units()) if strange else set()
        if ours or strays:
            self.manager.stop([*ours, *sorted(strays)])

    def unload(self, names: Collection[UnitName]) -> None:
        """Nothing: a stopped unit takes no place on the only machine there is."""

    def destroy(self, names: Collection[UnitName]) -> None:
        """Remove these units: those that are up as soon as they have stopped (see units), the others now."""
        ours = self._ours(names)
        for name in ours:
            self.manager.folder.mark(name)
        running = self._up(ours)
        if running:
            self.manager.stop(sorted(running))
        self._remove([name for name in ours if name not in running])

    def cat(self, name: UnitName) -> UnitFile | None:
        """Return the unit file as it lies in the folder."""
        held = self.manager.folder.get(name)
        return held.file if held else None

    def files(self, units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        """Return the unit files as they lie in the folder."""
        found = {unit.name: self.cat(unit.name) for unit in units}
        return {name: file for name, file in found.items() if file}

    def journal(self, name: UnitName, lines: int = 10) -> Iterator[str]:
        """Yield the unit's last journal lines."""
        return self.manager.journal(name, lines)

    def entries(
        self,
        name: UnitName,
        lines: int | None,
        *,
        follow: bool = False,
        at: Machine | None = None,  # noqa: ARG002 - there is but one
        after: str = "",
    ) -> Entries:
        """Return the unit's last journal entries, and those that come."""
        try:
            return self.manager.entries(name, lines, follow=follow, after=after)
        except process.NotStarted as error:
            raise EngineError(f"The journal of {name.text} can't be read: {error}.") from error

    def exit_code(self, name: UnitName) -> int | None:
        """How the unit's main process ended."""
        return self.manager.exit_code(name)

    def exec(self, name: UnitName, argv: tuple[str, ...], at: Machine | None = None) -> int:  # noqa: ARG002 - likewise
        """Run a command, or this user's shell, here in the unit's working directory; its exit code, as a shell's."""
        argv = argv or (os.environ.get("SHELL") or "/bin/sh",)
        file = self.cat(name)
        folder = file.last("Service", "WorkingDirectory").removeprefix("-") if file else ""
        try:
            code = process.attach(argv, cwd=folder if folder and Path(folder).is_dir() else None)
        except process.NotStarted as error:
            raise EngineError(f"{argv[0]} can't be run beside {name.text}: {error.reason}.") from error
        return code if code >= 0 else 128 - code

    def run_shell(self, machine: Machine, line: str) -> str:  # noqa: ARG002 - there is but one
        """Return what a shell line prints here."""
        return call(("/bin/sh", "-c", line), self._options.read_timeout)

    def ports(self) -> frozenset[int]:
        """Return the ports that anything on this machine listens on."""
        return frozenset[int]().union(
            *(parse.parse_listening(path.read_text()) for path in _LISTENERS if path.exists())
        )

    def _launch(self, names: Collection[UnitName], running: frozenset[UnitName]) -> None:
        for name in names:
            self.manager.folder.want(name)
        waiting = [name for name in names if name not in running]
        if waiting:
            self.manager.start(waiting)

    def _settle(self, names: Collection[UnitName]) -> None:
        """Have what was destroyed under these names gone; EngineError where it is still stopping."""
        if not self._leaving(names):
            return
        self.units()
        late = self._leaving(names)
        if late:
            raise EngineError(f"{late[0].text} was destroyed and is still stopping; nothing was started.")

    def _leaving(self, names: Collection[UnitName]) -> list[UnitName]:
        held = (self.manager.folder.get(name) for name in names)
        return [one.name for one in held if one and one.leaving]

    def _ours(self, names: Collection[UnitName]) -> list[UnitName]:
        return [name for name in names if self.manager.folder.get(name)]

    def _up(self, names: Collection[UnitName]) -> frozenset[UnitName]:
        if not names:
            return frozenset()
        shown = self.manager.states()
        return frozenset(name for name in names if name.text in shown and shown[name.text].up)

    def _remove(self, names: Sequence[UnitName]) -> None:
        if names:
            self.manager.remove(names)


def chosen(options: LocalOptions) -> Manager:
    """Return the manager that the options name; for "auto" the first of systemd, the user's systemd and our
    supervisors.
    """
    named = options.manager
    if named not in MANAGERS:
        raise InvalidInput(f"{quoted(named)} is not a manager of the local engine; {', '.join(MANAGERS)} are.")
    if named == "system" or (named == "auto" and systemd.system_runs() and os.geteuid() == 0):
        return Systemd(options, user=False)
    if named == "user" or (named == "auto" and os.geteuid() != 0 and systemd.user_runs()):
        return Systemd(options, user=True)
    return Supervisors(options)


def this_machine() -> Machine:
    """Return the one machine of this engine: /etc/machine-id names it, or else its host name."""
    host = socket.gethostname()
    known = _MACHINE_ID.read_text().strip() if _MACHINE_ID.is_file() else ""
    return Machine(known or host, "127.0.0.1", {"name": host})
