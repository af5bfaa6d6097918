"""A server as a process over the double of fleetctl; seconds pass quickly there."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.given import Cluster

PASSWORD = "a-password-of-the-test"  # noqa: S105 - no secret
SOON = 60.0


@dataclass
class Server:
    """A running server, and a client of it."""

    process: subprocess.Popen[bytes]
    cluster: Cluster
    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        """GET something of carousel's."""
        return self.client.get(f"/v1/services/carousel/{path}")

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """POST to carousel."""
        return self.client.post(f"/v1/services/carousel/{path}", json=body)

    def deploy(self, version: str, **more: object) -> dict[str, Any]:
        """A deploy asked for and come to its end: the job."""
        wish = {"version": version, "destroy_previous": True, "settle": "0s", "timeout": "60s", "lock_wait": "0s"}
        accepted = self.post("deploys", {"deploy": {**wish, **more}})
        assert accepted.status_code == 201, accepted.text
        until = time.monotonic() + SOON
        while True:
            job: dict[str, Any] = self.client.get(accepted.headers["location"]).json()
            if job["state"] in {"done", "failed"}:
                return job
            assert time.monotonic() < until, job
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """What it has written to stderr."""
        return (self.cluster.project / "log").read_text()


@contextmanager
def served(cluster: Cluster, options: str = "", limit: float = 30.0) -> Iterator[Server]:
    """A server with these options; ended with SIGTERM. ``limit`` is the time limit of a call of fleetctl."""
    limits = {f"DEPLOYSTER_FLEET_{name}_TIMEOUT": str(limit) for name in ("READ", "WRITE")}
    serve = {"DEPLOYSTER_SERVE_LISTEN": "127.0.0.1:0", "DEPLOYSTER_SERVE_PASSWORD": PASSWORD}
    env = {**cluster.environ, "XDG_STATE_HOME": str(cluster.project / "state"), **limits, **serve}
    with (cluster.project / "log").open("wb") as log:
        process = subprocess.Popen(
            cluster.argv(f"serve {options}"), cwd=cluster.project, env=env, stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=_address(cluster, process), auth=("deployster", PASSWORD), timeout=SOON) as client:
            yield Server(process, cluster, client)
    finally:
        process.terminate()
        process.wait(SOON)


def _address(cluster: Cluster, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + SOON
    log = cluster.project / "log"
    while not (found := re.search(r"listening on (\S+)\"", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, "it does not listen"
        time.sleep(0.05)
    return found[1]
