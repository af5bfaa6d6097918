"""Taking a lock in a test."""

from __future__ import annotations

from collections.abc import Callable

from deployster_cli.domain.lock import Note
from deployster_cli.operations.lock import Held, take
from tests.simulation import SimEngine


def taking(engine: SimEngine, note: Note, wait: float = 0, meanwhile: Callable[[], None] = lambda: None) -> Held:
    """The lock, with whatever is told on the way thrown away."""
    return take(engine, note, engine.clock, wait, tell=lambda _: None, meanwhile=meanwhile)
