"""kill -9 loses no accepted job and does none twice. The long run is ``python -m tests.server.killing 50``."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.server.killing import Server, kill_again_and_again

pytestmark = pytest.mark.process


def test_killed_three_times_under_load_every_accepted_job_ends_once(tmp_path: Path) -> None:
    report = kill_again_and_again(tmp_path, 3)
    assert report["lost"] == 0
    assert report["killed with a job running"] > 0


def test_sigterm_ends_a_busy_server_within_ten_seconds_and_the_next_one_finishes(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    try:
        body = {"deploy": {"version": "v1", "settle": "3s"}}
        job = server.ask("POST", "/v1/services/alpha/deploys", body)
        time.sleep(1.5)
        assert server.end(signal.SIGTERM) < 10
        server.start()
        path = f"/v1/services/alpha/deploys/{job['id']}"
        until = time.monotonic() + 20
        while server.ask("GET", path)["state"] != "done":
            assert time.monotonic() < until
            time.sleep(0.1)
        server.ask("DELETE", "/v1/services/alpha/deploys/v1")
    finally:
        server.end(signal.SIGTERM)
