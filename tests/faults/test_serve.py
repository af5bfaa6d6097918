"""A server whose fleetctl misbehaves: it answers, its jobs come to an end, and it goes on when all is well again."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.given import SHORT, Cluster
from tests.faults.serving import Server, served
from tests.faults.trials import HARMLESS, MODES

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, deployed: Path) -> Iterator[Server]:
    """One server for all of them, over a cluster on which carousel v1 runs three times."""
    cluster = Cluster.made(tmp_path_factory.mktemp("serve"))
    shutil.copy(deployed, cluster.folder)
    with served(cluster, limit=3 * SHORT) as server:
        yield server


BAD = [mode for mode in MODES if mode not in HARMLESS | {"empty"}]


@pytest.fixture
def bad(server: Server, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server with a fleetctl that misbehaves."""
    server.cluster.switch(request.param)
    yield server
    server.cluster.switch("good")


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_a_get_is_answered_with_the_problem(bad: Server) -> None:
    answer = bad.client.get("/v1/services/carousel/history")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("bad", BAD, indirect=True)
def test_a_deploy_fails_with_a_sentence_and_its_events_end(bad: Server) -> None:
    before = bad.cluster.state
    job = bad.deploy("v2")
    events = bad.client.get(f"/v1/services/carousel/deploys/{job['id']}/events")
    assert (job["state"], bad.cluster.state) == ("failed", before)
    assert job["error"]["message"].isprintable()
    assert events.text.rstrip().splitlines()[-1].startswith("data: ")


@pytest.mark.parametrize("bad", sorted(HARMLESS & set(MODES)), indirect=True)
def test_it_works_over_one_that_is_slow_or_noisy(bad: Server) -> None:
    assert bad.get("units").status_code == 200


def test_it_is_the_same_server_all_along_and_deploys_when_all_is_well(server: Server) -> None:
    assert (server.deploy("v2")["state"], server.cluster.launched) == ("done", ["v2@1", "v2@2", "v2@3"])


def test_nothing_of_it_was_a_fault_of_ours(server: Server) -> None:
    assert (server.process.poll(), "Traceback" in server.log) == (None, False)


def test_a_terminal_that_is_closed_ends_it_as_sigterm_does(server: Server) -> None:
    server.process.send_signal(signal.SIGHUP)
    assert (server.process.wait(30), server.cluster.living()) == (0, [])
