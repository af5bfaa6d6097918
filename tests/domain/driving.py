"""Drives a rollout over the model of an engine to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from deployster_cli.domain.events import Event
from deployster_cli.domain.rollout.state import Rollout
from deployster_cli.domain.rollout.tracking import Reason
from deployster_cli.operations.rollout import Hold, NoLock, Stops, Work, drive
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


def go(engine: SimEngine, work: Work, hold: Hold | None = None, stops: Stops | None = None) -> Run:
    """To its end, by the engine's clock."""
    told: list[Event] = []
    driven = drive(engine, work, engine.clock, hold or NoLock(), stops=stops)
    while True:
        try:
            told.append(next(driven))
        except StopIteration as stop:
            return Run(stop.value, told)
