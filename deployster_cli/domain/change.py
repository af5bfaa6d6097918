"""What somebody asks to be done to a service, as one value: the same from a command line and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from deployster_cli.domain.limits import MOST_AT_ONCE
from deployster_cli.domain.units.model import OnFailure, Order
from deployster_cli.domain.units.names import (
    LONGEST_SERVICE,
    UnitName,
    check_instance,
    check_service,
    check_version,
    quoted,
)
from deployster_cli.errors import InvalidInput

# Where the settings of a service are from, if not from the command line.
FILE = "deployster.toml"

# Which foreign units are taken over: all, none, or these.
Adopt = bool | tuple[UnitName, ...]


class Verb(StrEnum):
    """The things that change a service."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    SCALE = "scale"
    RESTART = "restart"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a rollout waits and what it does when it fails. ``settle`` and ``timeout`` are seconds."""

    settle: float = 3.0
    timeout: float = 300.0
    order: Order = Order.START_FIRST
    on_failure: OnFailure = OnFailure.ROLLBACK


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one service; InvalidInput for what can't be meant. ``by`` is who asks, for stamp and lock.

    ``version`` and ``instances`` are None where they are still to be found out: by the verb (rollback, scale, restart),
    by the service's setting or by what runs. A rollout is planned once both are known.

    ``only`` are the instances to destroy (none: the whole release); ``sets`` and ``envs`` are ``K=V`` as typed;
    ``adopt`` takes over the service's units that Deployster didn't make, all or just ``adopt_only``; ``batch`` None
    means all at once; ``as_now`` uses the settings of now, even if what runs was deployed with others; ``lock_wait`` is
    seconds.
    """

    verb: Verb
    service: str
    version: str | None = None
    instances: int | None = None
    only: tuple[int, ...] = ()
    destroy_previous: bool = False
    adopt: bool = False
    adopt_only: tuple[UnitName, ...] | None = None
    batch: int | None = None
    recreate: bool = False
    as_now: bool = False
    before: tuple[str, ...] = ()
    template: str = ""
    sets: tuple[str, ...] = ()
    envs: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    lock_wait: float = 0.0
    by: str = ""

    def __post_init__(self) -> None:
        """Check names and numbers."""
        check_service(self.service)
        if len(self.service) > LONGEST_SERVICE:
            raise InvalidInput(f"{quoted(self.service)} can't name a service: {LONGEST_SERVICE} characters at most.")
        if self.version is not None:
            check_version(self.version)
        for instance in self.only:
            check_instance(instance)
        if self.instances is not None and not 1 <= self.instances <= MOST_AT_ONCE:
            raise InvalidInput(f"--instances {self.instances}: a deploy takes 1 to {MOST_AT_ONCE} instances.")
        if self.batch is not None and self.batch < 1:
            raise InvalidInput(f"--batch-size {self.batch}: a batch takes at least 1 instance.")
        if self.verb is Verb.DEPLOY and self.adopt and not self.destroy_previous:
            raise InvalidInput("--adopt takes over what --destroy-previous is to retire: alone it would do nothing.")

    @property
    def adopts(self) -> Adopt:
        """What is taken over."""
        return self.adopt if self.adopt_only is None else self.adopt_only

    @property
    def batch_size(self) -> int | None:
        """How many instances are replaced at a time; None for all. A restart goes one by one."""
        return self.batch or (1 if self.verb is Verb.RESTART else None)

    @property
    def replaces_all(self) -> bool:
        """Whether instances that run as wanted already are replaced too."""
        return self.recreate or self.verb is Verb.RESTART

    @property
    def keeps_units(self) -> bool:
        """Whether the release's own units stay, whatever would be rendered now: to scale is not to reconfigure."""
        return self.verb is Verb.SCALE

    @property
    def setting_from(self) -> str:
        """Where the service's number of instances is set."""
        sets = (text.partition("=")[0].strip() for text in self.sets)
        return "--set instances" if "instances" in sets else FILE

    @property
    def doing(self) -> str:
        """The change, for those who wait for its lock."""
        match self.verb:
            case Verb.DEPLOY:
                return f"deploying {self.version}"
            case Verb.ROLLBACK:
                return "rolling back"
            case Verb.SCALE:
                return f"scaling to {self.instances}"
            case Verb.RESTART:
                return "restarting"
            case _:
                return f"destroying {self.version}"


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One run of a command with a release. ``envs`` are ``K=V`` as typed; it may take ``timeout`` seconds."""

    service: str
    version: str
    command: str
    envs: tuple[str, ...] = ()
    timeout: float = 600.0
