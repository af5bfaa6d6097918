"""Two programs: deployster serve on the local engine, and deployster --server beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.remote.double import closed_port
from tests.remote.serving import PASSWORD

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "carousel"

DEPLOYSTER = (sys.executable, "-m", "deployster_cli")

pytestmark = pytest.mark.process


@dataclass
class Programs:
    """A server that can be killed, and command lines against it."""

    folder: Path
    port: int
    server: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the tester's own settings."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("DEPLOYSTER", "FLEETCTL"))}
        return {**own, "HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}

    def serve(self) -> None:
        """Start the server and wait until it listens."""
        (self.folder / "password").write_text(PASSWORD)
        line = f"serve --listen 127.0.0.1:{self.port} --password-file ../password --state ../state".split()
        log = (self.folder / "log").open("wb")
        with log:
            here = self.folder / "car"
            self.server = subprocess.Popen([*DEPLOYSTER, *line], cwd=here, env=self.environ, stderr=log)
        until = time.monotonic() + 20
        while b"listening on" not in (self.folder / "log").read_bytes() and time.monotonic() < until:
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9."""
        assert self.server
        self.server.kill()
        self.server.wait(10)

    def begin(self, line: str) -> subprocess.Popen[str]:
        """A command line against the server, from a folder without a deployster.toml."""
        (self.folder / "away").mkdir(exist_ok=True)
        return subprocess.Popen(
            [*DEPLOYSTER, *line.split(), "--server", f"http://127.0.0.1:{self.port}"],
            cwd=self.folder / "away",
            env={**self.environ, "DEPLOYSTER_SERVER_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, line: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of one."""
        begun = self.begin(line)
        out, err = begun.communicate(timeout=60)
        return begun.returncode, out, err


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """A server over a copy of the example."""
    shutil.copytree(EXAMPLE, tmp_path / "car", ignore=shutil.ignore_patterns(".deployster"))
    settings = tmp_path / "car" / "deployster.toml"
    settings.write_text(settings.read_text().replace("[local]", '[local]\nmanager = "supervisor"'))
    programs = Programs(tmp_path, closed_port())
    programs.serve()
    yield programs
    for version in ("9f88701", "a41c9e2"):
        programs.run(f"destroy carousel {version} --yes")
    programs.kill()


def test_a_server_killed_in_the_middle_of_a_deploy_costs_its_client_a_pause(programs: Programs) -> None:
    assert programs.run("deploy carousel 9f88701 --instances 1 --settle 0")[0] == 0
    deploy = programs.begin("deploy carousel a41c9e2 --instances 1 --destroy-previous --settle 4s")
    assert deploy.stderr
    assert "Starting carousel a41c9e2 @1" in deploy.stderr.readline()
    programs.kill()
    programs.serve()
    out, err = deploy.communicate(timeout=90)
    assert (deploy.returncode, "The engine answers again after" in err) == (0, True)
    assert re.fullmatch(r"Done: carousel a41c9e2 runs \(1 instance\), carousel 9f88701 @1 retired\. \S+\n", out)
