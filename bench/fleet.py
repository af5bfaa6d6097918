"""A real fleet cluster, where there is one, and units on it that are gone again after."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.effort import Failed, environment, sample
from bench.results import Missing
from deployster_cli.engines.fleet import commands as args
from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.declaration import FleetOptions

ENDPOINT = "FLEETCTL_ENDPOINT"
UNIT = "[Unit]\nDescription=of a benchmark\n[Service]\nExecStart=/bin/sh -c 'exec sleep 100000'\n"
_ANSWERS = 20.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster, a folder for files, and the beginning of all names that this run may use on it."""

    options: FleetOptions
    folder: Path
    prefix: str

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which deployster and fleetctl use the cluster, and no file of the user's."""
        return environment(**{ENDPOINT: self.options.endpoint}, HOME=str(self.folder))

    @property
    def calls(self) -> tuple[Argv, Argv]:
        """The two calls that a listing makes."""
        return args.list_units(self.options), args.list_unit_files(self.options)

    def files(self, release: str, instances: int) -> list[str]:
        """Paths of unit files, one an instance, written now."""
        paths = [self.folder / f"{release}@{number}.service" for number in range(1, instances + 1)]
        for path in paths:
            path.write_text(UNIT)
        return [str(path) for path in paths]

    def call(self, *words: str) -> str:
        """What one call of fleetctl prints."""
        return sample((self.options.fleetctl, *words), self.environ).out

    def units(self) -> list[str]:
        """The units of this run, and the locks and records of them, that the registry has."""
        ours = (self.prefix, f"deployster-lock-{self.prefix}", f"deployster-record-{self.prefix}")
        names = self.call("list-unit-files", "--no-legend", "--fields=unit").split()
        return [name for name in names if name.startswith(ours)]


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """The cluster that FLEETCTL_ENDPOINT names; Missing where there is none. What this run put there is taken away."""
    with tempfile.TemporaryDirectory(prefix="deployster-bench-") as folder:
        options = FleetOptions(endpoint=os.environ.get(ENDPOINT, ""))
        found = Cluster(options, Path(folder), f"bench-{uuid.uuid4().hex[:6]}")
        _check(found)
        try:
            yield found
        finally:
            with _undisturbed():
                _take_away(found, found.units())


def _check(found: Cluster) -> None:
    if not (found.options.endpoint and shutil.which(found.options.fleetctl)):
        raise Missing(f"no fleet cluster (fleetctl, {ENDPOINT})")
    try:
        sample(args.list_machines(found.options), found.environ, limit=_ANSWERS)
    except Failed as error:
        raise Missing(f"no fleet cluster answers at {found.options.endpoint} ({ENDPOINT})") from error


def _take_away(found: Cluster, names: Sequence[str]) -> None:
    for chunk in args.chunks(names):
        found.call("destroy", *chunk)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Whoever presses Ctrl-C once more waits: it takes seconds, and nobody else would clear this away."""
    before = {at: signal.signal(at, signal.SIG_IGN) for at in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for at, handler in before.items():
            signal.signal(at, handler)
