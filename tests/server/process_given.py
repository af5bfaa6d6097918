"""A server as a process of its own, over a stand-in for fleetctl."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLEETCTL = Path(__file__).parent / "fleetctl.sh"
PASSWORD = "a-password-of-the-test"  # noqa: S105 - no secret

# Seconds that a start may take on a busy machine.
STARTED = 20.0


@dataclass
class Server:
    """A running server. ``log`` is what it writes to stderr, ``url`` where it listens."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str = ""

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "log").read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The same, read."""
        return [json.loads(line) for line in self.log.splitlines()]

    @property
    def calls(self) -> int:
        """How many calls of fleetctl it has made."""
        path = self.folder / "calls"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def mode(self, mode: str) -> None:
        """What fleetctl does from now on."""
        (self.folder / "mode").write_text(mode)

    def wait_listening(self) -> None:
        """Until it says where it listens."""
        until = time.monotonic() + STARTED
        while not (found := re.search(r"listening on (\S+)\"", self.log)):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.05)
        self.url = found[1]

    def terminate(self, sign: signal.Signals = signal.SIGTERM, limit: float = 10.0) -> tuple[int, float]:
        """Send a signal; its exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(sign)
        return self.process.wait(limit), time.monotonic() - began


def environment(folder: Path, units: int, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server in this folder, over the stand-in."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DEPLOYSTER_", "FLEETCTL_"))},
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
        "DEPLOYSTER_FLEET_FLEETCTL": str(FLEETCTL),
        "DEPLOYSTER_SERVE_LISTEN": "127.0.0.1:0",
        "DEPLOYSTER_SERVE_PASSWORD": PASSWORD,
        "FAKE_UNITS": str(units),
        "FAKE_LOG": str(folder / "calls"),
        "FAKE_MODE": str(folder / "mode"),
        **more,
    }


@contextmanager
def started(
    folder: Path, *options: str, before: Sequence[str] = (), units: int = 10, **environ: str
) -> Iterator[Server]:
    """A server with these options; killed in the end where it still runs. ``before`` are words before its argv."""
    argv = [*before, sys.executable, "-m", "deployster_cli", "serve", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=folder, env=environment(folder, units, environ), stdout=log, stderr=log)
    server = Server(process, folder)
    try:
        server.wait_listening()
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def refused(folder: Path, *options: str, **environ: str) -> tuple[int, str]:
    """Exit code and words of a server that does not begin."""
    argv = [sys.executable, "-m", "deployster_cli", "serve", *options]
    env = environment(folder, 0, environ)
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=STARTED, check=False)
    return done.returncode, done.stderr
