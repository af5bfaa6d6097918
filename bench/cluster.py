"""``units`` against a real cluster: as it is, and with a thousand units more in its registry."""

from __future__ import annotations

from collections.abc import Iterator

from bench.effort import Effort, walls
from bench.fleet import Cluster, cluster
from bench.results import Comparison, Target, compared
from bench.units import ITS_CALLS, RIVAL, sides
from deployster_cli.engines.fleet import commands as args

UNITS = 1_000
_QUICK_UNITS = 30
_PAIRS = 20
_PAIRS_OF_MANY = 8


def run(effort: Effort) -> Iterator[Comparison]:
    """The units are submitted and not loaded: a machine of fleet's takes minutes to forget a hundred that it had."""
    units = _QUICK_UNITS if effort.quick else UNITS
    with cluster() as found:
        yield _listed(effort, found, "as it is", _PAIRS, ITS_CALLS)
        for chunk in args.chunks(found.files(f"{found.prefix}-v1", units)):
            found.call("submit", *chunk)
        yield _listed(effort, found, f"with {units:,} units more", _PAIRS_OF_MANY)


def _listed(effort: Effort, found: Cluster, state: str, times: int, target: Target | None = None) -> Comparison:
    pairs = effort.pairs(times, *sides(found.calls, found.environ, found.folder))
    return compared(f"units, a real cluster {state}", RIVAL, "ms", walls(pairs), target)
