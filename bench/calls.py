"""fleetctl calls of a deploy as its instances grow: one call takes many units, so the number has to stay."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.effort import Effort, deployster, environment, sample
from bench.results import Comparison, Target, compared

STEADY = Target(1.00)
SIZES = (1, 10, 100)

_PROCESS = ("--set", "template=process", "--set", "directory=/tmp", "--set", "command=exec sleep 1000")

# What is done one after another; where the command ends in --instances, their number comes behind it.
WORK = {
    "deploy": ("deploy", "carousel", "v1", *_PROCESS, "--settle", "0s", "--instances"),
    "the same deploy again": ("deploy", "carousel", "v1", *_PROCESS, "--settle", "0s", "--instances"),
    "deploy --destroy-previous": (
        *("deploy", "carousel", "v2", *_PROCESS),
        *("--settle", "0s", "--destroy-previous", "--instances"),
    ),
    "destroy": ("destroy", "carousel", "v2", "--yes"),
}

# The two calls of each look at the cluster. How many looks there are is a matter of time, not of instances.
LOOK = ("list-units", "list-unit-files")


def run(effort: Effort) -> Iterator[Comparison]:
    """Calls beside the looks, of each command, with ten times and a hundred times the instances."""
    sizes = SIZES[:2] if effort.quick else SIZES
    with ThreadPoolExecutor() as side_by_side:  # nothing is timed here
        counts = dict(zip(sizes, side_by_side.map(counted, sizes), strict=True))
    for doing in WORK:
        one = counts[1][doing]
        for instances in sizes[1:]:
            pair = (float(counts[instances][doing]), float(one))
            yield compared(f"fleetctl calls, {doing}, {instances} instances", "with 1 instance", "", [pair], STEADY)


def counted(instances: int, work: Collection[str] = tuple(WORK)) -> dict[str, int]:
    """What each command calls beside its looks, one after another on a modelled cluster of their own."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="deployster-bench-") as at:
        folder = Path(at)
        environ = _modelled(folder)
        for doing in work:
            words = WORK[doing]
            number = (str(instances),) if words[-1] == "--instances" else ()
            sample((*deployster(), *words, *number, "-q"), environ, folder)
            found[doing] = beside_looks((folder / "calls").read_text().split())
            (folder / "calls").unlink()
    return found


def beside_looks(verbs: Sequence[str]) -> int:
    """The calls without what comes with time: a lock's renewals, requests that are made again, and looks, each of which
    is a call of either listing.

    Nothing else calls the first of the two.
    """
    counts = Counter(verbs)
    return len(verbs) - len(LOOK) * counts[LOOK[0]] - counts["renewal"] - counts["again"]


def _modelled(folder: Path) -> dict[str, str]:
    """An environment in which fleetctl is the modelled one."""
    program = folder / "fleetctl"
    model = Path(__file__).with_name("modelled_fleetctl.py")
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(model))} "$@"\n')
    program.chmod(0o755)
    return environment(CLUSTER=str(folder), DEPLOYSTER_FLEET_FLEETCTL=str(program), HOME=str(folder))
