"""Drives a rollout over the model of an engine to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.events import Event
from deployster_cli.domain.rollout.state import Rollout
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.operations.rollout import Hold, NoLock, RolloutSpec, Stops, drive
from tests.simulation import SimEngine

E = TypeVar("E")


@dataclass
class Run:
    """One driven rollout: how it ended, and what it told."""

    end: Rollout
    told: list[Event] = field(default_factory=list)

    @property
    def reason(self) -> Reason | None:
        """Why it failed; None where it did not."""
        return self.end.failure.reason if self.end.failure else None

    def of(self, kind: type[E]) -> list[E]:
        """What it told of this kind."""
        return [event for event in self.told if isinstance(event, kind)]


def wanted(
    service: str,
    version: str,
    instances: int,
    destroy_previous: bool = False,
    batch: int | None = None,
    *,
    recreate: bool = False,
    policy: Policy | None = None,
) -> Change:
    """A deploy of so many instances."""
    return Change(
        Verb.DEPLOY,
        service,
        version,
        instances,
        destroy_previous=destroy_previous,
        batch=batch,
        recreate=recreate,
        policy=policy or Policy(),
    )


class Wish(NamedTuple):
    """A change of ``version`` as far as its number goes: ``asked`` is the one it names, ``setting`` the service's."""

    verb: Verb
    version: str
    asked: int | None = None
    setting: int | None = None
    sets: tuple[str, ...] = ()
    retires: bool = False

    @property
    def change(self) -> Change:
        """The change."""
        return Change(self.verb, "carousel", self.version, self.asked, destroy_previous=self.retires, sets=self.sets)


def go(engine: SimEngine, work: RolloutSpec, hold: Hold | None = None, stops: Stops | None = None) -> Run:
    """To its end, by the engine's clock."""
    told: list[Event] = []
    return Run(drive(engine, work, engine.clock, hold or NoLock(), told.append, stops=stops), told)
