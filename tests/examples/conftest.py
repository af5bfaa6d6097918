"""What the tests of examples/nginx share: a stand-in for etcd, and a real nginx with its watcher in front of nobody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.front import USED, FakeEtcd, Front, until
from tests.fleet_cluster import fleet_options

__all__ = ["fleet_options"]


@pytest.fixture
def etcd() -> Iterator[FakeEtcd]:
    with FakeEtcd() as found:
        yield found
        found.shutdown()


@pytest.fixture
def front(tmp_path: Path, etcd: FakeEtcd) -> Iterator[Front]:
    """nginx and its watcher, running, without an instance so far."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is missing")
    found = Front.made(tmp_path, "web", etcd.url)
    with found.watch() as watcher:
        with found.start() as master:
            assert until(lambda: USED in etcd.values)
            yield found
            master.terminate()
        watcher.terminate()
