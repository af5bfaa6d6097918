"""What somebody asks to be done to a service, as one value: the same from a command line and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from deployster_cli.domain.rollout.plan import Policy
from deployster_cli.domain.units.names import UnitName

Adopt = bool | tuple[UnitName, ...]
"""Which foreign units are taken over: all, none, or these."""


class Verb(StrEnum):
    """The things that change a service."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    SCALE = "scale"
    RESTART = "restart"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Intent:
    """One wish. ``version`` is None where the verb finds it itself (rollback, scale, restart).

    ``only`` are the instances to destroy (none: the whole release); ``sets`` and ``envs`` are ``K=V`` as typed;
    ``adopt`` takes over the service's units that Deployster didn't make, all or just ``adopt_only``;
    ``as_now`` uses the settings of now, even if what runs was deployed with others; ``lock_wait`` is seconds.
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

    @property
    def adopts(self) -> Adopt:
        """What is taken over."""
        return self.adopt if self.adopt_only is None else self.adopt_only

    @property
    def doing(self) -> str:
        """The wish, as a run that waits for the lock says it."""
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
class Errand:
    """One run of a command with a release. ``envs`` are ``K=V`` as typed; it may take ``timeout`` seconds."""

    service: str
    version: str
    command: str
    envs: tuple[str, ...] = ()
    timeout: float = 600.0
