"""A stand-in for fleetctl that prints recorded tables at once: what is left to measure is ours."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.effort import environment
from deployster_cli.engines.fleet import commands as args
from deployster_cli.engines.fleet.commands import Argv
from deployster_cli.engines.fleet.declaration import FleetOptions

_PROGRAM = """\
#!/bin/sh
for word; do case $word in list-*) exec cat "${0%/*}/$word" ;; esac; done
"""

_HASH = "3a07abc3f14e013a66c825eb161688e393bac544"
_INSTANCES = 10
_MACHINES = 30


@dataclass(frozen=True, slots=True)
class StandIn:
    """The folder with the program and its tables, and how Deployster is told to use it."""

    folder: Path

    @property
    def options(self) -> FleetOptions:
        """fleetctl's options: the program, and no endpoint."""
        return FleetOptions(fleetctl=str(self.folder / "fleetctl"))

    @property
    def calls(self) -> tuple[Argv, Argv]:
        """The two calls that a listing makes."""
        return args.list_units(self.options), args.list_unit_files(self.options)

    @property
    def environ(self) -> dict[str, str]:
        """An environment in which deployster uses the stand-in, and no file of the user's."""
        return environment(DEPLOYSTER_FLEET_FLEETCTL=self.options.fleetctl, HOME=str(self.folder))


@contextlib.contextmanager
def standing_in(units: int, service: str = "") -> Iterator[StandIn]:
    """A stand-in that lists this many units: all of one service, or ten of each."""
    with tempfile.TemporaryDirectory(prefix="deployster-bench-") as at:
        folder = Path(at)
        (folder / "fleetctl").write_text(_PROGRAM)
        (folder / "fleetctl").chmod(0o755)
        (folder / "list-units").write_text("".join(map(_unit_row, _names(units, service), range(units))))
        (folder / "list-unit-files").write_text("".join(map(_file_row, _names(units, service), range(units))))
        yield StandIn(folder)


def _names(units: int, service: str) -> list[str]:
    if service:
        return [f"{service}-9f88701@{number + 1}.service" for number in range(units)]
    return [f"service-{n // _INSTANCES:04}-9f88701@{n % _INSTANCES + 1}.service" for n in range(units)]


def _machine(number: int) -> str:
    """A machine as fleetctl prints it; the units are spread over thirty."""
    at = number % _MACHINES
    return f"{at:02x}de01dc169e0dcf6a137baef3d7e12a/10.77.0.{at + 11}"


def _unit_row(name: str, number: int) -> str:
    return f"{name}\t{_machine(number)}\tloaded\tactive\trunning\t{_HASH}\n"


def _file_row(name: str, number: int) -> str:
    release, _, instance = name.removesuffix(".service").rpartition("@")
    service, _, version = release.rpartition("-")
    described = f"{service} {version} instance {instance} port {20_000 + number}"
    return f"{name}\t{_HASH}\tlaunched\tlaunched\t{_machine(number)}\t{described}\n"
