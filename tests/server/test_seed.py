"""The README of the Go service: its three curl lines as they stand there, against its own address and defaults.

They run in a network of their own, so that port 3000 is free; the carousel runs on this machine's local engine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.process_given import Server, started

pytestmark = pytest.mark.process

CAROUSEL = Path(__file__).parents[2] / "examples" / "carousel"

DEPLOY = (
    "curl -XPOST http://localhost:3000/v1/services/carousel/deploys "
    '-H "Content-Type: application/json" -d \'{"deploy":{"version":"9f88701", "destroy_previous": true}}\''
)
DESTROY = "curl -XDELETE http://localhost:3000/v1/services/carousel/deploys/9f88701"
UNITS = "curl http://localhost:3000/v1/services/carousel/units"

Curl = Callable[[str], str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The example, and the login where curl looks for it."""
    folder = tmp_path / "carousel"
    shutil.copytree(CAROUSEL, folder, ignore=shutil.ignore_patterns(".deployster"))
    (folder / ".curlrc").write_text('user = "deployster:mmmhm"\nsilent\nshow-error\n')
    return folder


@pytest.fixture
def server(project: Path) -> Iterator[Server]:
    """The server with the defaults, in a network that has nothing but loopback."""
    for program in ("unshare", "nsenter", "ip", "curl"):
        if shutil.which(program) is None:
            pytest.skip(f"the program {program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("unshare --net needs root")
    inside = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    with started(project, before=inside, DEPLOYSTER_SERVE_LISTEN="", DEPLOYSTER_SERVE_PASSWORD="") as running:
        yield running


@pytest.fixture
def curl(server: Server, project: Path) -> Iterator[Curl]:
    """Runs one of the lines where the server is; destroys in the end whatever runs."""

    def run(line: str) -> str:
        argv = ["nsenter", f"--net=/proc/{server.process.pid}/ns/net", "sh", "-c", line]
        env = {"PATH": os.environ["PATH"], "HOME": str(project)}
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, check=True).stdout

    yield run
    run(DESTROY)


def running_units(curl: Curl, wanted: int) -> list[dict[str, str]]:
    """The units, once so many run."""
    until = time.monotonic() + 60
    while True:
        units: list[dict[str, str]] = json.loads(curl(UNITS))["units"]
        if [unit["state"] for unit in units] == ["running"] * wanted:
            return units
        assert time.monotonic() < until, units
        time.sleep(0.5)


def test_the_three_lines_do_what_the_readme_says(curl: Curl) -> None:
    accepted = json.loads(curl(DEPLOY))
    unit = running_units(curl, 2)[0]
    gone = curl(DESTROY)
    assert (
        (accepted["service"], accepted["version"], accepted["verb"]),
        (unit["service"], unit["instance"], unit["version"], unit["current_state"], unit["desired_state"]),
        gone,
        curl(UNITS),
    ) == (
        ("carousel", "9f88701", "deploy"),
        ("carousel", "1", "9f88701", "launched", "launched"),
        "",
        '{"units":[]}',
    )
