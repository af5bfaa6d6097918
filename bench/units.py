"""``units`` beside the fleetctl calls that it can't do without, and what of it is our own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.effort import Effort, Sample, cpus, deployster, environment, sample, walls
from bench.inside import spent, split
from bench.results import Comparison, Target, compared
from bench.standin import StandIn, standing_in
from deployster_cli.engines.fleet.commands import Argv

RIVAL = "its two fleetctl calls, read and split, and --version"
ITS_CALLS = Target(1.00)
_OWN = Target(60.0, own=True)
_PAIRS = 20
SIZES = (10, 1_000, 10_000)


def run(effort: Effort) -> Iterator[Comparison]:
    """Over a stand-in for fleetctl that answers at once, so it has no time to hide ours in."""
    for units in SIZES:
        with standing_in(units) as fleetctl:
            shown = f"units, {units:,} units, a stand-in that answers at once"
            pairs = effort.pairs(_PAIRS, *sides(fleetctl.calls, fleetctl.environ, fleetctl.folder))
            yield compared(shown, RIVAL, "ms", walls(pairs), ITS_CALLS if units == SIZES[0] else None)
            if units == SIZES[0]:
                yield compared(f"{shown}, processor time", RIVAL, "ms", cpus(pairs))
            if units == SIZES[-1]:
                yield from _own(effort, fleetctl, units)


def sides(
    calls: tuple[Argv, Argv], environ: Mapping[str, str], cwd: Path
) -> tuple[Callable[[], Sample], Callable[[], Sample]]:
    """``units -o plain``, and start-up with the two calls one after the other."""
    program = deployster()

    def ours() -> Sample:
        return sample((*program, "units", "-o", "plain"), environ, cwd)

    def rival() -> Sample:
        began = time.perf_counter()
        start = sample((*program, "--version"), environ, cwd)
        listings = [sample(argv, environ, cwd) for argv in calls]
        splitting, _ = spent(lambda: split(*(listing.out for listing in listings)))
        cpu = start.cpu + splitting + sum(listing.cpu for listing in listings)
        return Sample(1000 * (time.perf_counter() - began), cpu, "")

    return ours, rival


def _own(effort: Effort, fleetctl: StandIn, units: int) -> Iterator[Comparison]:
    """Within one process, in processor time: there is nothing to wait for."""
    argv = (sys.executable, "-m", "bench.inside", json.dumps(fleetctl.calls))
    environ = environment(PYTHONPATH=str(Path(__file__).parents[1]))
    runs = [json.loads(sample(argv, environ, fleetctl.folder).out) for _ in range(effort.times(_PAIRS))]
    reading, printing = ([(run[at], run[2]) for run in runs] for at in range(2))
    rival = "the same text split into cells"
    yield compared(f"units, {units:,} units, reading both tables", rival, "ms", reading, _OWN)
    yield compared(f"units, {units:,} units, printing them", rival, "ms", printing)
