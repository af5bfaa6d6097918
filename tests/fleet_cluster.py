"""A real fleet cluster for tests that carry the marker ``fleet``; they are skipped by name where there is none.

Name its API in DEPLOYSTER_TEST_FLEET_ENDPOINT and have fleetctl on PATH. A folder's conftest.py imports the fixtures.
Every test has a service name of its own, whose units are destroyed after it.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from deployster_cli.domain.units.model import Condition, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.engine import FleetEngine

T = TypeVar("T")

ENDPOINT = "DEPLOYSTER_TEST_FLEET_ENDPOINT"
LOOP = "/bin/sh -c 'echo hello; while :; do sleep 1; done'"


@pytest.fixture(scope="session")
def fleet_options() -> FleetOptions:
    """How the tests' cluster is reached; skips the test where there is none."""
    endpoint = os.environ.get(ENDPOINT, "")
    if not endpoint:
        pytest.skip(f"no fleet cluster: {ENDPOINT} is not set")
    if not shutil.which("fleetctl"):
        pytest.skip("no fleet cluster: fleetctl is not on PATH")
    return FleetOptions(endpoint=endpoint, strict_host_key_checking=False)


@dataclass(frozen=True)
class Cluster:
    """An engine on the real cluster, and one service's name that no other test has."""

    engine: FleetEngine
    service: str

    def name(self, instance: int, version: str = "v1-rc") -> UnitName:
        """A unit of this test's service."""
        return UnitName.checked(self.service, version, instance)

    def file(self, instance: int, *lines: str, version: str = "v1-rc") -> UnitFile:
        """A unit of this test's service that runs a process without end, or the lines of a unit file given."""
        service = "\n".join(lines) if lines else f"[Service]\nExecStart={LOOP}"
        text = f"[Unit]\nDescription={self.service} {version} port {3000 + instance}\n{service}\n"
        return UnitFile.parse(self.name(instance, version), text)

    def units(self) -> tuple[Unit, ...]:
        """The units of this test's service."""
        return tuple(unit for unit in self.engine.units() if unit.name.service == self.service)

    def conditions(self) -> list[Condition]:
        """What they are doing, in the order of their names."""
        return [unit.condition for unit in self.units()]

    def until(self, look: Callable[[], T], wanted: object, limit: float = 30.0) -> T:
        """What ``look`` gives once it is what is wanted, or at the end of ``limit`` seconds."""
        end = time.monotonic() + limit
        while (seen := look()) != wanted and time.monotonic() < end:
            time.sleep(0.5)
        return seen


@pytest.fixture
def cluster(fleet_options: FleetOptions) -> Iterator[Cluster]:
    """The real cluster with a service name of this test's own; its units are gone afterwards."""
    found = Cluster(FleetEngine(fleet_options), f"eng{uuid.uuid4().hex[:8]}")
    yield found
    names = [unit.name for unit in found.units()]
    found.engine.stop(names)
    found.engine.destroy(names)
    found.until(found.conditions, [])
