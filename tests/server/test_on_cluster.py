"""The Go service's three curl lines from start to end against a real cluster, and a server killed in mid-deploy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from deployster_cli.engines.fleet.declaration import FleetOptions
from tests.fleet_cluster import Cluster, cluster, fleet_options
from tests.server.process_given import PASSWORD, Server, started

__all__ = ["cluster", "fleet_options"]

pytestmark = pytest.mark.fleet

FLEETCTL = "fleetctl"

# Seconds.
ROLLOUT = 120.0


@pytest.fixture
def project(tmp_path: Path, cluster: Cluster) -> Path:
    """A process that serves, as the test's own service."""
    (tmp_path / "deployster.toml").write_text(
        f'[services.{cluster.service}]\ntemplate = "process"\ndirectory = "/srv"\n'
        'command = "exec python3 -m http.server $PORT"\ninstances = 2\n'
    )
    return tmp_path


def serving(project: Path, options: FleetOptions) -> AbstractContextManager[Server]:
    """A server of this cluster, over the real fleetctl."""
    return started(project, DEPLOYSTER_FLEET_FLEETCTL=FLEETCTL, DEPLOYSTER_FLEET_ENDPOINT=options.endpoint)


@pytest.fixture
def server(project: Path, fleet_options: FleetOptions) -> Iterator[Server]:
    """A server over the real fleetctl."""
    with serving(project, fleet_options) as running:
        yield running


def client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=("deployster", PASSWORD), timeout=ROLLOUT)


def ended(http: httpx.Client, job: str) -> str:
    """How a job has ended."""
    until = time.monotonic() + ROLLOUT
    while (state := str(http.get(job).json()["state"])) in {"queued", "running"}:
        assert time.monotonic() < until, "the job has not ended"
        time.sleep(0.5)
    return state


def deploy(http: httpx.Client, service: str) -> str:
    """The first of the three lines; where its job is."""
    wish = {"version": "9f88701", "destroy_previous": True}
    answer = http.post(f"/v1/services/{service}/deploys", json={"deploy": wish})
    return answer.headers["location"]


def test_the_three_lines_do_what_the_readme_says(server: Server, cluster: Cluster) -> None:
    with client(server) as http:
        deployed = ended(http, deploy(http, cluster.service))
        units = http.get(f"/v1/services/{cluster.service}/units").json()["units"]
        gone = http.delete(f"/v1/services/{cluster.service}/deploys/9f88701")
        left = http.get(f"/v1/services/{cluster.service}/units").json()
    states = [(unit["version"], unit["current_state"], unit["desired_state"]) for unit in units]
    assert (deployed, states, gone.status_code, left) == (
        "done",
        [("9f88701", "launched", "launched")] * 2,
        204,
        {"units": []},
    )


def test_a_deploy_goes_on_after_its_server_was_killed(
    project: Path, fleet_options: FleetOptions, cluster: Cluster
) -> None:
    with serving(project, fleet_options) as first, client(first) as http:
        job = deploy(http, cluster.service)
        time.sleep(2)
    with serving(project, fleet_options) as second, client(second) as http:
        assert ended(http, job) == "done"
        assert len(http.get(f"/v1/services/{cluster.service}/units").json()["units"]) == 2
