"""A real sshd on loopback, an ssh-agent and a stand-in for fleet's API behind it: what ``--tunnel`` needs.

For tests that carry the marker ``process``; skipped by name where sshd, ssh-agent or fleetctl is missing.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployster_cli.engines.fleet.declaration import FleetOptions

PROGRAMS = ("fleetctl", "sshd", "ssh-agent", "ssh-add", "ssh-keygen", "ssh-keyscan")

CONFIG = """
ListenAddress 127.0.0.1
HostKey {home}/host_ecdsa
AuthorizedKeysFile {home}/login.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


class Api(BaseHTTPRequestHandler):
    """A cluster with nothing in it."""

    def do_GET(self) -> None:
        """An empty page of whatever is listed."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@dataclass
class Sshd:
    """The daemon and what reaches it. ``home`` has the keys ``login`` and ``host_ecdsa`` and fleetctl's known_hosts."""

    home: Path
    port: int
    options: FleetOptions
    process: subprocess.Popen[bytes]

    @property
    def known_hosts(self) -> Path:
        """What fleetctl knows."""
        return self.home / "known_hosts"

    @property
    def host(self) -> str:
        """Itself, as known_hosts has it."""
        return f"[127.0.0.1]:{self.port}"

    @property
    def sha256(self) -> str:
        """The fingerprint of its key, as ssh-keygen tells it."""
        return run("ssh-keygen", "-lf", str(self.home / "host_ecdsa.pub")).split()[1]

    def know(self, public_key: Path) -> None:
        """Have this key be the one that is known for the daemon."""
        kind, blob, *_ = public_key.read_text().split()
        self.known_hosts.write_text(f"# known\n{self.host} {kind} {blob}\n")


def run(*argv: str) -> str:
    """What a program prints that has to succeed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout


def new_key(path: Path, kind: str = "ecdsa") -> Path:
    """A new pair of keys; the public one."""
    run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path))
    return path.with_suffix(".pub")


@contextlib.contextmanager
def agent(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh-agent without keys."""
    at = home / "agent"
    argv = (shutil.which("ssh-agent") or "", "-D", "-a", str(at))
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(at))
    try:
        until = time.monotonic() + 10
        while not _takes_calls(at) and time.monotonic() < until:
            time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()


def _takes_calls(at: Path) -> bool:
    """Whether somebody listens there. The socket's file is there a moment earlier."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(at))
        return True
    return False


@pytest.fixture
def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """One whose host key nobody knows yet, and an agent that holds the key for it."""
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]:
        pytest.skip(f"no real tunnel: {', '.join(missing)} not on PATH")
    new_key(tmp_path / "host_ecdsa")
    new_key(tmp_path / "login", "ed25519")
    monkeypatch.setenv("HOME", str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api, agent(tmp_path, monkeypatch):
        run("ssh-add", "-q", str(tmp_path / "login"))
        threading.Thread(target=api.serve_forever, daemon=True).start()
        try:
            with started(tmp_path) as (port, process):
                yield Sshd(tmp_path, port, options(tmp_path, port, api.server_port), process)
        finally:
            api.shutdown()


def options(home: Path, port: int, api: int) -> FleetOptions:
    """By way of the daemon to the API."""
    return FleetOptions(
        endpoint=f"http://127.0.0.1:{api}",
        tunnel=f"127.0.0.1:{port}",
        ssh_username=getpass.getuser(),
        known_hosts_file=str(home / "known_hosts"),
    )


@contextlib.contextmanager
def started(home: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The daemon on a free port, once it answers."""
    (home / "sshd_config").write_text(CONFIG.format(home=home))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    argv = [program, "-D", "-e", "-p", str(port), "-f", str(home / "sshd_config")]
    with (home / "sshd.log").open("wb") as log:
        process = subprocess.Popen(argv, stderr=log)
    try:
        _wait(port, process)
        yield port, process
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("sshd did not come up")
