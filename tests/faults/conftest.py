"""A cluster of the double's on which carousel v0 was replaced by v1, three instances of it, and a shell there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.engines.fleet.ssh import agent as ssh_agent
from tests.faults.given import Cluster, Shell, deploy_two, fast


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """An empty cluster."""
    return Cluster.made(tmp_path)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a cluster after two deploys: a file of the double's."""
    return deploy_two(tmp_path_factory.mktemp("deployed"))


@pytest.fixture
def shell(cluster: Cluster, deployed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell over a cluster on which carousel v1 runs three times, and v0 ran before it."""
    shutil.copy(deployed, cluster.folder)
    monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("", ""))
    with fast(cluster, monkeypatch):
        yield Shell(cluster)
