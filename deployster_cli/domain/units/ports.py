"""Ports for units that listen on their machine: the same unit gets the same port wherever it is free."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import InvalidInput

# Above what services are usually given by hand, below the ports that Linux picks for outgoing connections (32768).
FIRST, LAST = 20000, 31999


def assign(
    names: Sequence[UnitName], avoid: Collection[int], first: int = FIRST, last: int = LAST
) -> dict[UnitName, int]:
    """Return a TCP port from ``first`` to ``last`` for every name: none of ``avoid``, none twice.

    Each name starts looking at a place of its own that its hash gives, so two laptops that deploy at once seldom
    choose the same. InvalidInput where the range has too few free ports.
    """
    taken = set(avoid)
    ports: dict[UnitName, int] = {}
    for name in dict.fromkeys(names):
        ports[name] = _free(name, taken, first, last)
        taken.add(ports[name])
    return ports


def _free(name: UnitName, taken: set[int], first: int, last: int) -> int:
    size = last - first + 1
    start = int.from_bytes(hashlib.sha256(name.text.encode()).digest()[:8])
    for step in range(size):
        port = first + (start + step) % size
        if port not in taken:
            return port
    raise InvalidInput(
        f"No port from {first} to {last} is left for {name.short}: every one is in use.",
        "Free one, or set port for the service.",
    )
