"""The things Deployster speaks of, as frozen values: services, machines, units and the state each is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import NamedTuple

from deployster_cli.domain.units.names import UnitName, image


class State(StrEnum):
    """fleet's three states of a unit in its registry, as list-unit-files writes them."""

    INACTIVE = "inactive"
    LOADED = "loaded"
    LAUNCHED = "launched"


class Condition(StrEnum):
    """What a unit is doing, in one word for people and for decisions. Derived from all its states together."""

    # Wanted, and on no machine yet.
    WAITING = "waiting"
    STARTING = "starting"
    # Launched, and no machine says how it is: it was started this moment, or the listing is short.
    UNKNOWN = "unknown"
    RUNNING = "running"
    # Ended well and still counted active: right for a oneshot, wrong for a server.
    COMPLETED = "completed"
    # It died, and systemd will start it again.
    RESTARTING = "restarting"
    # It should run, was started, and is dead without having failed.
    EXITED = "exited"
    FAILED = "failed"
    STOPPING = "stopping"
    # Not wanted to run, and doesn't.
    STOPPED = "stopped"
    # Destroyed, but its machine still lists it.
    REMOVING = "removing"


# What several units together are is the first of these that one of them is.
WORST_FIRST = (
    Condition.FAILED,
    Condition.RESTARTING,
    Condition.EXITED,
    Condition.UNKNOWN,
    Condition.WAITING,
    Condition.STARTING,
    Condition.STOPPING,
    Condition.REMOVING,
    Condition.STOPPED,
    Condition.COMPLETED,
    Condition.RUNNING,
)

# What a unit that is wanted and up is.
UP = frozenset({Condition.RUNNING, Condition.COMPLETED})

# systemd's load states of a unit that it can't run, whatever else it says of it.
UNLOADABLE = frozenset({"error", "bad-setting", "not-found", "masked"})


class Order(Enum):
    """Whether a batch's new instances start before or after the old ones they replace stop."""

    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"


class OnFailure(Enum):
    """What becomes of the new units when a rollout fails."""

    ROLLBACK = "rollback"
    KEEP = "keep"


class Machine(NamedTuple):
    """One machine of the engine. ``ip`` is empty where it publishes none. ``silent``: it does not answer; ``lost``: for
    so long that no run waits for it any more.
    """

    id: str
    ip: str = ""
    metadata: Mapping[str, str] = MappingProxyType({})
    silent: bool = False
    lost: bool = False

    @property
    def label(self) -> str:
        """Short, for a line on the screen: its metadata's name, else its address, else eight digits of its id."""
        return self.metadata.get("name") or self.ip or self.id[:8]


class Unit(NamedTuple):
    """One unit, joined from everything the engine lists about it.

    ``desired`` and ``current`` are None where the registry no longer (or not yet) says; ``load``, ``active`` and
    ``sub`` are systemd's words and empty where no machine reports the unit; ``machine`` is where it is placed, or
    where it still runs. ``restarts`` counts systemd's own restarts where the engine can tell (fleet can't).
    ``port`` is the one that Deployster gave it, None where it has none.

    A global unit (``everywhere``) runs on every machine that fits. ``copies`` are it as each machine has it, and what
    it says of itself is what the worst of them says (``worst_of``). Nobody says whether a copy was launched.

    A ``foreign`` one has a name like ours and was not created by Deployster: it is shown, and no verb changes it. So it
    is with one that is ``aside``, on a machine that this run leaves out: nobody knows how it is.
    """

    name: UnitName
    desired: State | None = None
    current: State | None = None
    load: str = ""
    active: str = ""
    sub: str = ""
    machine: Machine | None = None
    hash: str = ""
    restarts: int | None = None
    port: int | None = None
    everywhere: bool = False
    copies: tuple[Unit, ...] = ()
    foreign: bool = False
    aside: bool = False

    @property
    def placements(self) -> tuple[Unit, ...]:
        """The unit once for each machine that has it: its copies, or itself."""
        return self.copies or (self,)

    def owned(self, *, foreign: bool) -> Unit:
        """Return the same unit, with all its copies, as one of ours or as a foreign one."""
        return self._replace(foreign=foreign, copies=tuple(copy._replace(foreign=foreign) for copy in self.copies))

    @property
    def reported(self) -> bool:
        """Whether a machine's systemd reports this very unit."""
        return bool(self.active)

    @property
    def silent(self) -> bool:
        """Whether none of the machines that have it answers."""
        return all(copy.machine is not None and copy.machine.silent for copy in self.placements)

    @property
    def lost(self) -> bool:
        """Whether a machine that has it has not answered for so long that no run waits for it any more."""
        return any(copy.machine is not None and copy.machine.lost for copy in self.placements)

    @property
    def stopped(self) -> bool:
        """Whether it holds nothing any more, on any machine: no process, no ExecStop still running."""
        if self.copies:
            return all(copy.stopped for copy in self.copies)
        launched = self.desired if self.everywhere else self.current
        return self.active in {"", "inactive", "failed"} and launched is not State.LAUNCHED

    @property
    def condition(self) -> Condition:
        """The one word for all its states; the rules are in the order in which they hide one another."""
        if self.desired is None:
            return Condition.REMOVING
        if self.active == "deactivating":
            return Condition.STOPPING
        if self.desired is not State.LAUNCHED:
            return self._unwanted()
        return self._wanted()

    def _unwanted(self) -> Condition:
        return Condition.STOPPED if self.active in {"", "inactive", "failed"} else Condition.STOPPING

    def _unreported(self) -> Condition:
        if self.machine is None:
            return Condition.WAITING
        return Condition.UNKNOWN if self.current is State.LAUNCHED else Condition.STARTING

    def _wanted(self) -> Condition:
        if not self.active:
            return self._unreported()
        if self.active in {"active", "reloading"}:
            return Condition.COMPLETED if self.sub == "exited" else Condition.RUNNING
        if self.active == "failed" or self.load in UNLOADABLE:
            return Condition.FAILED
        if self.active == "activating":
            return Condition.RESTARTING if self.sub.startswith("auto-restart") else Condition.STARTING
        return Condition.EXITED if self.everywhere or self.current is State.LAUNCHED else Condition.STARTING


def worst_of(copies: Sequence[Unit]) -> Unit:
    """One unit of all its copies, at least one, by machine: it is as well as the copy that does worst."""
    in_order = tuple(sorted(copies, key=lambda unit: (unit.machine.ip, unit.machine.id) if unit.machine else ("", "")))
    return min(in_order, key=lambda unit: WORST_FIRST.index(unit.condition))._replace(copies=in_order)


class Release(NamedTuple):
    """All instances of one service at one version that an engine knows, in instance order."""

    service: str
    version: str
    units: tuple[Unit, ...]

    @property
    def foreign(self) -> bool:
        """Whether these are units that Deployster didn't make."""
        return any(unit.foreign for unit in self.units)

    @property
    def running(self) -> tuple[Unit, ...]:
        """The instances that are wanted and up."""
        return tuple(u for u in self.units if u.condition in UP)

    @property
    def wanted(self) -> int:
        """How many instances are wanted to run, those that happen to be down among them."""
        return sum(u.desired is State.LAUNCHED for u in self.units)


def releases(units: Iterable[Unit], service: str | None = None) -> tuple[Release, ...]:
    """Our units gathered into releases, ordered by service and version; one service's only where it is named."""
    return tuple(release for release in everything(units, service) if not release.foreign)


def everything(units: Iterable[Unit], service: str | None = None) -> tuple[Release, ...]:
    """Return the same, and the foreign units too: gathered apart, each behind the release that they have the
    names of.
    """
    found: dict[tuple[str, str, bool], list[Unit]] = {}
    for unit in sorted(units, key=lambda u: (u.name.service, u.name.version, u.foreign, u.name)):
        if service in (None, unit.name.service):
            found.setdefault((unit.name.service, unit.name.version, unit.foreign), []).append(unit)
    return tuple(Release(at, version, tuple(of)) for (at, version, _), of in found.items())


class Service(NamedTuple):
    """A service's settings: what deployster.toml, --set and --env say of it, checked. All of it reaches templates.

    ``memory`` is a number and b, k, m or g; ``cpu`` counts processors; ``restart`` is in systemd's words;
    ``global_`` is the setting ``global``: one instance on every machine. ``secrets`` names those of ``env`` whose
    values nobody is shown. ``extra`` holds the --set values that are not settings of ours, for a user's own template.
    """

    name: str
    template: str = "docker"
    instances: int | None = None
    port: int | None = None
    health: str = ""
    command: str = ""
    directory: str = ""
    volumes: tuple[str, ...] = ()
    env: Mapping[str, str] = MappingProxyType({})
    env_file: str = ""
    machine_metadata: tuple[str, ...] = ()
    conflicts: bool = False
    memory: str = ""
    cpu: float | None = None
    restart: str = "always"
    global_: bool = False
    secrets: tuple[str, ...] = ()
    docker_hub_username: str = ""
    registry_url: str = ""
    extra: Mapping[str, str] = MappingProxyType({})

    def image(self, version: str) -> str:
        """Return the Docker image of one version of it."""
        owners = {"docker_hub_username": self.docker_hub_username, "registry_url": self.registry_url}
        return image(self.name, version, **owners)
