"""The ssh engine: each method is one script a machine, on all machines that it concerns at the same time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from deployster_cli.domain.units.asking import exit_code
from deployster_cli.domain.units.model import Machine, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.wording import some_names
from deployster_cli.engines.ssh import parse, results, scripts
from deployster_cli.engines.ssh.cluster import Cluster
from deployster_cli.engines.ssh.declaration import DECLARATION, SshOptions
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.notes import Place
from deployster_cli.errors import EngineError, EngineUnreachable, OutputUnreadable, Refused, TemplateFault

if TYPE_CHECKING:
    from deployster_cli.domain.rollout.placing import Placed
    from deployster_cli.domain.rollout.plan import Plan
    from deployster_cli.domain.units.needs import Needs, Prerequisite
    from deployster_cli.domain.units.unitfile import UnitFile
    from deployster_cli.engines.base import Silent, Trouble
    from deployster_cli.engines.journal import Exported
    from deployster_cli.engines.ssh.locks import SshLocks
    from deployster_cli.engines.ssh.records import SshRecords
    from deployster_cli.engines.ssh.setup import SshSetup


class SshEngine:
    """engines.base.Engine over systemd on the machines of the options."""

    is_local = DECLARATION.is_local
    soon = 0.05  # systemd does at once what it is asked for
    places = True

    def __init__(self, options: SshOptions) -> None:
        self._options = options
        self._cluster = Cluster(options)
        self._placed: dict[UnitName, tuple[Machine, ...]] = {}
        self._contents: dict[tuple[UnitName, str], UnitFile] = {}

    @cached_property
    def locks(self) -> SshLocks:
        """Who may change a service: files on more than half of the machines."""
        from deployster_cli.engines.ssh.locks import SshLocks  # looking needs none

        return SshLocks(self._cluster, lambda: self._cluster.last)

    @cached_property
    def records(self) -> SshRecords:
        """What was asked of a service last: files on all machines."""
        from deployster_cli.engines.ssh.records import SshRecords  # looking at units needs none

        return SshRecords(self._cluster, lambda: self._cluster.last)

    @cached_property
    def setup(self) -> SshSetup:
        """How the machines are made ready for units."""
        from deployster_cli.engines.ssh.setup import SshSetup  # only ``setup`` does

        return SshSetup(self._cluster)

    @property
    def silent(self) -> tuple[Silent, ...]:
        """The machines that did not answer when they were listed last."""
        return self._cluster.silent

    @property
    def ssh_targets(self) -> tuple[str, ...]:
        """The machines that answered the last listing, in the order of the options."""
        return tuple(host.target for host in self._cluster.hosts if host in self._cluster.last.machines)

    def check(self) -> str:
        """Why no machine can be used, in one sentence; empty where one can."""
        from deployster_cli.engines.ssh.asks import make_known

        try:
            make_known(self._cluster)
            self._cluster.listing(anew=True)
        except EngineError as error:
            return f"{error.message} {error.hint}".rstrip()
        return ""

    def troubles(self, needs: Needs) -> tuple[Trouble, ...]:
        """Return what is wrong with single machines: those that don't answer, and those that lack what is
        needed there.
        """
        from deployster_cli.engines.base import Trouble
        from deployster_cli.engines.ssh.asks import taken_ports, troubles
        from deployster_cli.engines.ssh.facts import PULL_LIMIT, facts, look

        last = self._cluster.last
        found = [Trouble(host.name, error.message, error.hint) for host, error in last.silent.items()]
        bodies = dict.fromkeys(last.machines, look(needs))
        limit = self._options.read_timeout + PULL_LIMIT * len(needs.images)
        for host, outcome in self._cluster.links.each(bodies, limit, "look").items():
            machine = self._cluster.machine(host)
            found += troubles(host.name, outcome, needs)
            if machine and isinstance(outcome, results.Answer):
                found += taken_ports(machine, facts(list(outcome.parts)).ports, last.units, needs)
        return tuple(found)

    def units(self) -> tuple[Unit, ...]:
        """Return the units of all machines. Those of a machine that doesn't answer are as they were put there."""
        return self._cluster.listing(anew=True).units

    def settled(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return the units as they are: their stamps were read for the listing."""
        return tuple(units)

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that answer, in the order of the options."""
        listing = self._cluster.listing()
        found = (self._cluster.machine(host) for host in self._cluster.hosts if host in listing.machines)
        return tuple(machine for machine in found if machine)

    def place(self, plan: Plan, files: Mapping[UnitName, UnitFile]) -> Placed:
        """Where each unit that the plan starts will run; Refused where one can't run anywhere."""
        from deployster_cli.domain.events import rules_and_machines
        from deployster_cli.domain.rollout.placing import Unplaceable, place

        machines = self.machines()
        try:
            placed = place(plan, files, self._cluster.residents(), machines)
        except Unplaceable as one:
            units = self._cluster.last.units
            why = rules_and_machines(one.file, machines, units)
            if one.port is not None:
                why = f"Its port {one.port} is taken on each that would."
            hint = "Leave port out, and each unit gets one of its own; or --order stop-first --batch-size 1."
            if one.port is None:
                hint = "Where its earlier releases keep it away: --order stop-first." if _bars_itself(one.file) else ""
            message = f"No machine fits {some_names([one.file.name])}, so nothing was changed. {why}"
            raise Refused(message, hint) from None
        self._placed |= placed
        return placed

    def absent(self, paths: Collection[Prerequisite]) -> list[tuple[Prerequisite, Machine]]:
        """Return the folders and files that are not on the machines of their units."""
        from deployster_cli.engines.ssh.prerequisites import absent  # only what starts units asks

        return absent(self._cluster, self._placed, paths)

    def start(self, files: Collection[UnitFile]) -> None:
        """Put these units in on the machines that they were placed on, or are placed on now, and start them."""
        if not files:
            return
        by_machine, away = self._shares(files)
        answers = self._start(by_machine)
        late = [name for answer in answers.values() if answer.code == scripts.LEAVING for name in answer.text.split()]
        if late:
            self.units()
            answers = self._start(by_machine)
        for host, answer in answers.items():
            if answer.code:
                raise _not_started(host, answer)
        _check_reached(away)

    def resume(self, names: Collection[UnitName]) -> None:
        """Start units again whose files are on the machines."""
        by_machine, away = self._holders(names)
        missing = set(names).difference(away, *by_machine.values())
        if missing:
            raise Refused(f"{some_names(sorted(missing))} not on any machine to start again.", "Deploy it again.")
        fine = (0, scripts.LEAVING, scripts.MISSING)
        bodies = {host: scripts.resume(mine) for host, mine in by_machine.items()}
        for host, answer in self._write(bodies, "start", fine).items():
            if answer.code:
                raise _not_started(host, answer)
        _check_reached(away)

    def stop(self, names: Collection[UnitName]) -> None:
        """Ask these units to stop, keeping their files."""
        shares, away = self._holders(names)
        self._write({host: scripts.stop(mine) for host, mine in shares.items()}, "stop")
        _check_reached(away)

    def unload(self, names: Collection[UnitName]) -> None:
        """Nothing: a stopped unit takes no place on its machine."""

    def destroy(self, names: Collection[UnitName]) -> None:
        """Remove these units: those that are up as soon as they have stopped (see ``units``), the others now."""
        shares, away = self._holders(names)
        if not shares:
            _check_reached(away)
            return
        self._write({host: scripts.destroy(mine) for host, mine in shares.items()}, "remove")
        self._cluster.move((), names, next(iter(names)).service)
        _check_reached(away)

    def cat(self, name: UnitName) -> UnitFile | None:
        """Return the unit file as it lies on its machine."""
        units = [unit for unit in self._cluster.last.units if unit.name == name]
        units = units or [unit for unit in self._cluster.listing(anew=True).units if unit.name == name]
        return self._read(units).get(name)

    def files(self, units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        """Return the unit files as they lie on the machines."""
        return self._read(units)

    def journal(self, name: UnitName, lines: int = 10) -> Iterator[str]:
        """Yield the unit's last journal lines."""
        from deployster_cli.domain.units.journal import lines_of  # listings need none

        body = scripts.journal(name, lines, user=self._options.user)
        return iter(lines_of(self._ask_one(self._host(name), body, "journal")))

    def entries(
        self, name: UnitName, lines: int | None, *, follow: bool = False, at: Machine | None = None, after: str = ""
    ) -> Exported:
        """Return the unit's last journal entries, and those that come."""
        from deployster_cli.engines.journal import Exported  # listings need none

        host = self._host(name, at)
        body = scripts.entries(name, lines, user=self._options.user, follow=follow, after=after)
        stream = self._cluster.links.stream(host, body, None if follow else self._options.read_timeout)
        return Exported(stream, lambda done: results.judge_stream(done, host.name))

    def exit_code(self, name: UnitName) -> int | None:
        """How the unit's main process ended."""
        return exit_code(self._ask_one(self._host(name), scripts.ended(name), "show"))

    def exec(self, name: UnitName, argv: tuple[str, ...], at: Machine | None = None) -> int:
        """Run a command on the unit's machine with this terminal, a shell where it is empty; its exit code."""
        host = self._host(name, at)
        self._ask_one(host, ":\n", "run")
        code = self._cluster.links.attach(host, argv)
        return code if code >= 0 else 128 - code

    def run_shell(self, machine: Machine, line: str) -> str:
        """Return what a shell line prints on a machine."""
        return self._ask_one(self._host_of(machine), f"{line}\n", "run")

    def ports(self) -> frozenset[int]:
        """Return the ports that anything listens on, on any machine."""
        hosts = self._cluster.last.machines
        answers = self._cluster.ask(dict.fromkeys(hosts, scripts.LISTENING), self._options.read_timeout, "ports")
        return frozenset[int]().union(*(parse.listening(list(answer.parts)) for answer in answers.values()))

    def _shares(self, files: Collection[UnitFile]) -> tuple[dict[Host, list[UnitFile]], dict[UnitName, str]]:
        """Return (the files by machine; those of a machine that doesn't answer, with its name). What was not placed
        before is placed now.
        """
        new = {file.name: file for file in files if file.name not in self._placed}
        if new:
            from deployster_cli.domain.rollout.plan import Plan, Step

            service, version = next(iter(new)).service, next(iter(new)).version
            self.place(Plan(service, version, (Step(start=tuple(new)),)), new)
        hosts = {found.id: host for host, found in self._cluster.last.machines.items()}
        shares: dict[Host, list[UnitFile]] = {}
        away: dict[UnitName, str] = {}
        for file in files:
            for machine in self._placed[file.name]:
                if machine.id in hosts:
                    shares.setdefault(hosts[machine.id], []).append(file)
                else:
                    away[file.name] = machine.label
        return shares, away

    def _start(self, shares: Mapping[Host, list[UnitFile]]) -> dict[Host, results.Answer]:
        """Have most machines know where the units will be, then these start theirs: whatever becomes of this run, the
        others know what a machine was given that does not answer any more.
        """
        if not shares:
            return {}
        last = self._cluster.last
        add = [Place(file.name, last.machines[host].id, host.name) for host, files in shares.items() for file in files]
        self._cluster.move(add, (), add[0].unit.service)
        bodies = {host: scripts.start(files) for host, files in shares.items()}
        return self._write(bodies, "start", (0, scripts.LEAVING, scripts.DIFFERS, scripts.ENDED_WITH_LOGIN))

    def _holders(self, names: Collection[UnitName]) -> tuple[dict[Host, list[UnitName]], dict[UnitName, str]]:
        """Return (the machines that have units of these names, with theirs; those of a machine that doesn't answer,
        with its name).

        Where the last listing lacks a name there is a new one: it may have been put in since.
        """
        last = self._cluster.last
        if not {unit.name for unit in last.units}.issuperset(names):
            last = self._cluster.listing(anew=True)
        found: dict[Host, list[UnitName]] = {}
        for name in names:
            for host in last.hosts(name):
                found.setdefault(host, []).append(name)
        return found, {name: label for name, label in last.away.items() if name in names}

    def _write(self, bodies: Mapping[Host, str], what: str, fine: Collection[int] = (0,)) -> dict[Host, results.Answer]:
        return self._cluster.ask(bodies, self._options.write_timeout, what, fine) if bodies else {}

    def _read(self, units: Sequence[Unit]) -> dict[UnitName, UnitFile]:
        """Return unit files; each content is read once, and with one of a service all that may be asked for next."""
        unread = [unit for unit in units if (unit.name, unit.hash) not in self._contents and unit.hash]
        bodies: dict[Host, list[UnitName]] = {}
        for unit in unread:
            for host in self._cluster.last.hosts(unit.name)[:1]:
                bodies.setdefault(host, []).append(unit.name)
        answers = self._cluster.ask(
            {host: scripts.contents(names) for host, names in bodies.items()},
            self._options.read_timeout,
            "cat",
        )
        hashes = {unit.name: unit.hash for unit in unread}
        for answer in answers.values():
            for text, content in parse.named(list(answer.parts), "file").items():
                name = UnitName.parse(text)
                if name in hashes:
                    self._learn(name, hashes[name], content, alone=len(unread) == 1)
        found = {unit.name: self._contents.get((unit.name, unit.hash)) for unit in units}
        return {name: file for name, file in found.items() if file}

    def _learn(self, name: UnitName, digest: str, content: str, *, alone: bool) -> None:
        from deployster_cli.domain.units.unitfile import UnitFile  # listings need none

        try:
            self._contents[name, digest] = UnitFile.parse(name, content)
        except TemplateFault as fault:
            if alone:
                raise OutputUnreadable(f"the unit file of {name.text} was damaged: {fault.message}") from fault

    def _ask_one(self, host: Host, body: str, what: str) -> str:
        return self._cluster.ask({host: body}, self._options.read_timeout, what)[host].text

    def _host(self, name: UnitName, at: Machine | None = None) -> Host:
        """Return the machine of a unit, or the one that is asked for."""
        if at:
            return self._host_of(at)
        last = self._cluster.last
        hosts = last.hosts(name) or self._cluster.listing(anew=True).hosts(name)
        if hosts:
            return hosts[0]
        if name in last.away:
            raise EngineUnreachable(f"{last.away[name]} does not answer, where {name.text} was put.")
        raise EngineError(f"There is no unit {name.text} on any machine.")

    def _host_of(self, machine: Machine) -> Host:
        for host, found in self._cluster.last.machines.items():
            if found.id == machine.id:
                return host
        raise EngineUnreachable(f"{machine.label} does not answer.")


def _bars_itself(file: UnitFile) -> bool:
    from deployster_cli.domain.rollout.placement import bars_its_successor  # only where nothing fits

    return bars_its_successor(file)


def _check_reached(away: Mapping[UnitName, str]) -> None:
    """EngineError where units are on machines that don't answer, once all others were asked."""
    if away:
        label = min(away.values())
        names = [name for name in sorted(away) if away[name] == label]
        raise EngineError(
            f"{label} does not answer, and {some_names(names)} may run there.",
            f"Bring it back; or leave it out: --without {label}. What it runs then is left as it is.",
        )


def _not_started(host: Host, answer: results.Answer) -> EngineError:
    name = answer.text.strip()
    if answer.code == scripts.DIFFERS:
        return Refused(
            f"{name} is on {host.name} already, with other content; nothing was started.", "Destroy it first."
        )
    if answer.code == scripts.ENDED_WITH_LOGIN:
        return Refused(
            f"What {name} runs on {host.name} ends with its session.",
            f"deployster setup cures it; by hand, as root there: loginctl enable-linger {name}",
        )
    if answer.code == scripts.MISSING:
        return EngineError(f"There is no unit {name} on {host.name} to start again.")
    return EngineError(f"{name} was destroyed and is still stopping on {host.name}; nothing was started.")
