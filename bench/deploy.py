"""A deploy on a real cluster beside the shortest shell script of fleetctl calls that does the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from bench.effort import Effort, deployster, sample
from bench.fleet import Cluster, cluster
from bench.results import Comparison, Target, compared
from deployster_cli.engines.fleet.engine import FleetEngine

_SOON = FleetEngine.soon
_MOST = Target(1.00)
_PAIRS = 12
_INSTANCES = 3
_SCRIPT = Path(__file__).with_name("shortest.sh")
_DEPLOY = (
    *("--destroy-previous", "--settle", "0s", "--instances", str(_INSTANCES), "-q"),
    *("--set", "template=process", "--set", "directory=/tmp", "--set", "command=exec sleep 100000"),
)


def run(effort: Effort) -> Iterator[Comparison]:
    """Each version replaces the one before; all begin with a first release in place.

    There are two scripts: one that looks once a second, as anybody writes it, and one that looks as often as we do
    at our most impatient, so that what that brings can be told from the rest.
    """
    with cluster() as found:
        ours, usual, impatient = _ours(found), _script(found, "usual", 1.0), _script(found, "impatient", _SOON)
        rounds = effort.pairs(_PAIRS, ours, lambda: (usual(), impatient()))
    shown = f"deploy {_INSTANCES} instances, --destroy-previous --settle 0s"
    script = "the shortest script of fleetctl calls"
    yield compared(shown, f"{script}, a look a second", "s", [(we, usual) for we, (usual, _) in rounds], _MOST)
    yield compared(shown, f"{script}, a look every {_SOON:g} s", "s", [(we, quick) for we, (_, quick) in rounds], _MOST)


def _ours(found: Cluster) -> Callable[[], float]:
    """Deploys the next version; seconds."""
    versions = count(1)

    def deploy() -> float:
        argv = (*deployster(), "deploy", f"{found.prefix}-ours", f"v{next(versions)}", *_DEPLOY)
        return sample(argv, found.environ, found.folder).wall / 1000

    return deploy


def _script(found: Cluster, service: str, look: float) -> Callable[[], float]:
    """Has the script replace one version by the next; seconds."""
    versions = count(1)
    environ = {**found.environ, "LOOK": f"{look:g}"}

    def replace() -> float:
        version = next(versions)
        new, old = (f"{found.prefix}-{service}-v{number}" for number in (version, version - 1))
        argv = ("/bin/sh", str(_SCRIPT), f"{new}@", f"{old}@", *found.files(new, _INSTANCES))
        return sample(argv, environ, found.folder).wall / 1000

    return replace
