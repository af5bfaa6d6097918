"""Where ssh let nobody in: a person is asked about an unknown host key, and the rest is told with all its facts."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.fleet import commands, parse, results
from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.ssh import agent
from deployster_cli.engines.fleet.ssh.host_keys import HostKey, asking
from deployster_cli.engines.process import Completed
from deployster_cli.errors import EngineError, OutputUnreadable

# Whose machine a call reaches by ssh; None for a call that only goes through the tunnel, if there is one.
Target = Machine | UnitName | None

# Whom fleetctl logs in as where it is told of nobody.
_USER = "core"


class Trust:
    """Judges calls that ssh stopped, for one engine; ``environment`` gives what fleetctl is to see of ours."""

    def __init__(self, options: FleetOptions, environment: Callable[[], Mapping[str, str]]) -> None:
        self._options = options
        self._environment = environment
        self._taken: set[HostKey] = set()
        self._seen: dict[HostKey, HostKey] = {}

    def mended(self, done: Completed, to: Target = None) -> bool:
        """Whether a call may be made again: an unknown host key stopped it, and a person has taken that key.

        EngineUnreachable where ssh let nobody in. False for every other call, whatever became of it.
        """
        key = results.unknown_key(done)
        asked = asking(machine=to is not None) if key else None
        if key is None or asked is None:
            self.explain(done, to)
            return False
        if key in self._taken:
            raise results.untaken(done, key, "fleetctl still doesn't know it.")
        shown = self._whole(key)
        if not asked.yes(shown):
            raise results.untaken(done, shown, "nothing was sent there." if to else "nothing was changed.")
        self._take(done, key, to)
        return True

    def explain(self, done: Completed, to: Target) -> None:
        """EngineUnreachable where ssh let nobody in; nothing for every other call. Never asks."""
        if key := results.unknown_key(done):
            raise results.unknown(done, self._whole(key))
        if changed := results.changed_key(done):
            raise self._changed(done, *changed, to)
        if results.not_let_in(done):
            user = self._options.ssh_username or _USER
            raise results.refused_login(done, user, agent.agent_keys())

    def _whole(self, key: HostKey) -> HostKey:
        """Return the key with its better fingerprint, which is looked for once: many journals may fail for one key."""
        if key not in self._seen:
            self._seen[key] = HostKey(key.host, key.kind, key.md5, agent.sha256(key))
        return self._seen[key]

    def _take(self, done: Completed, key: HostKey, to: Target) -> None:
        from deployster_cli.engines.fleet.ssh.prompt import accept  # only where somebody is asked

        limit = self._options.read_timeout + self._options.ssh_timeout
        if problem := accept(self._harmless(to), key, self._environment(), limit):
            raise results.untaken(done, key, problem)
        self._taken.add(key)

    def _harmless(self, to: Target) -> Argv:
        """Return a call that changes nothing and comes to the same question."""
        if isinstance(to, Machine):
            return commands.run_shell(self._options, to.id, "true")
        return commands.ssh(self._options, to, ("true",)) if to else commands.list_machines(self._options)

    def _changed(self, done: Completed, key: HostKey, file: str, to: Target) -> EngineError:
        hosts = self._hosts(to)
        lines = {host: agent.lines_of(host, file) for host in hosts}
        host = next((host for host in hosts if lines[host]), hosts[0] if hosts else "")
        shown = self._whole(HostKey(host, key.kind, key.md5))
        cure = shlex.join(("ssh-keygen", "-R", host, "-f", file)) if host else ""
        return results.changed(done, shown, file, lines.get(host, ()), cure)

    def _hosts(self, to: Target) -> tuple[str, ...]:
        """Return the machine that may be meant, as a file of known hosts has it: the tunnel's if no further one is
        reached.
        """
        address = to.ip if isinstance(to, Machine) else self._address(to) if to else ""
        beyond = (agent.known_as(address),) if address else ()
        return beyond + (agent.addresses(self._options.tunnel) if self._options.tunnel else ())

    def _address(self, name: UnitName) -> str:
        """Where a unit's machine is, by one more listing; empty where that can't be had."""
        argv, limit = commands.list_units(self._options), self._options.read_timeout + self._options.ssh_timeout
        try:
            rows = parse.unit_rows(process.run(argv, limit=limit, env=self._environment()).out)
        except (process.NotStarted, OutputUnreadable):
            return ""
        return next((row.ip for row in rows if row.name == name.text), "")
