"""Looking again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from deployster_cli.errors import EngineError, EngineMissing
from deployster_cli.operations.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What was seen, and when it was last looked (RFC 3339, UTC).

    ``away`` is why the engine gave nothing this time; ``what`` is then what it had given last. ``silent`` are the
    machines that did not answer it → why.
    """

    what: T
    at: str
    away: str = ""
    silent: Mapping[str, str] = field(default_factory=dict)


def looks(
    look: Callable[[], T], clock: Clock, interval: float, silent: Callable[[], Mapping[str, str]]
) -> Iterator[Look[T]]:
    """Yield a look now and one every ``interval`` seconds, without end.

    The first has to succeed; later ones wait an engine out, unless its program has gone: EngineMissing. ``silent``
    gives the machines that did not answer the last one.
    """
    seen = look()
    yield Look(seen, clock.utc(), silent=silent())
    while True:
        clock.sleep(interval)
        away = ""
        try:
            seen = look()
        except EngineMissing:
            raise
        except EngineError as error:
            away = error.message
        yield Look(seen, clock.utc(), away, silent())
