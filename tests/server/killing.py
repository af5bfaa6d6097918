"""A real server on the local engine, killed with -9 again and again while it has jobs; then the books are checked.

By hand: ``python -m tests.server.killing 50``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVICES = ("alpha", "beta")

PROJECT = """
engine = "local"
[local]
root = ".deployster"
manager = "supervisor"
"""

SERVICE = """
[services.{name}]
template = "process"
command = "sleep 1000"
directory = "{folder}"
"""

PASSWORD = "of-this-test"  # noqa: S105 - no secret


class Server:
    """A server's process in a folder, and a client of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = PROJECT + "".join(SERVICE.format(name=name, folder=folder) for name in SERVICES)
        (folder / "deployster.toml").write_text(text)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def start(self) -> float:
        """Start it; seconds until it answered."""
        began = time.monotonic()
        argv = [sys.executable, "-m", "deployster_cli", "serve", "--listen", self.url.removeprefix("http://")]
        environ = {**os.environ, "HOME": str(self.folder), "DEPLOYSTER_SERVE_PASSWORD": PASSWORD}
        for name in ("XDG_STATE_HOME", "DEPLOYSTER_CONFIG"):
            environ.pop(name, None)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(argv, cwd=self.folder, env=environ, stdout=log, stderr=log)
        while not self._answers():
            assert time.monotonic() < began + 20, (self.folder / "server.log").read_text()
            time.sleep(0.05)
        return time.monotonic() - began

    def end(self, signal_: signal.Signals) -> float:
        """End it, and wait until it has; seconds that it took."""
        began = time.monotonic()
        if self._process:
            self._process.send_signal(signal_)
            self._process.wait(20)
        return time.monotonic() - began

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The JSON that is answered; OSError where nothing is."""
        login = base64.b64encode(f"deployster:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Basic {login}", "Content-Type": "application/json", **headers},
            method=method,
        )
        with self._open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def _answers(self) -> bool:
        try:
            self.ask("GET", "/healthz")
        except OSError:
            return False
        return True


@dataclass
class Books:
    """What was accepted, by the client's account."""

    accepted: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    unanswered: int = 0

    def ask(self, server: Server, service: str, *, task: bool) -> None:
        """Ask for one more job, with a task that leaves one line in a file or without one."""
        self.asked += 1
        version = f"v{self.asked}"
        body = {
            "deploy": {
                "version": version,
                "destroy_previous": True,
                "settle": "0s",
                "before": [f"echo {service} {version} >> {server.folder}/ran.txt"] if task else [],
            }
        }
        try:
            job = server.ask("POST", f"/v1/services/{service}/deploys", body)
        except OSError:
            self.unanswered += 1
        else:
            self.accepted[job["id"]] = version


def kill_again_and_again(folder: Path, rounds: int, seed: int = 4) -> dict[str, Any]:
    """Kill the server so many times under load; what came of it all. AssertionError where the books don't balance."""
    chance, server, books = random.Random(seed), Server(folder), Books()  # noqa: S311 - no secret
    busy = 0
    try:
        for _ in range(rounds):
            server.start()
            axe = threading.Timer(chance.uniform(0.2, 3.5), server.end, (signal.SIGKILL,))
            axe.start()
            while axe.is_alive():
                books.ask(server, chance.choice(SERVICES), task=books.asked % 2 == 0)
                axe.join(chance.uniform(0.2, 1.2))
            busy += mid_job(folder)
        began = time.monotonic()
        server.start()
        for service in SERVICES:  # what was cut off behind its task is failed as it stands: this one has no task
            books.ask(server, service, task=False)
        jobs = drained(server)
        report = balance(server, books, jobs)
        return report | {"rounds": rounds, "killed with a job running": busy, "drain": time.monotonic() - began}
    finally:
        for service in SERVICES:
            remove_all(server, service)
        server.end(signal.SIGTERM)


def mid_job(folder: Path) -> bool:
    """Whether the server that is dead now had a job under way."""
    with contextlib.closing(sqlite3.connect(folder / ".local/state/deployster/serve/jobs.sqlite")) as db:
        found: int = db.execute("SELECT count(*) FROM jobs WHERE state = 'running'").fetchone()[0]
        return found > 0


def drained(server: Server, seconds: float = 600.0) -> list[Any]:
    """All jobs, once every one of them is over."""
    until = time.monotonic() + seconds
    while True:
        jobs: list[Any] = server.ask("GET", "/v1/deploys?limit=1000")["deploys"]
        if all(job["state"] in {"done", "failed"} for job in jobs):
            return jobs
        assert time.monotonic() < until, f"still not over: {[job for job in jobs if not job['ended_at']]}"
        time.sleep(0.2)


def balance(server: Server, books: Books, jobs: list[Any]) -> dict[str, Any]:
    """Each accepted job is there and over; no task ran twice; what runs is what the last good job of a service left."""
    known = {job["id"]: job for job in jobs}
    lost = set(books.accepted) - set(known)
    ran = server.folder / "ran.txt"
    runs = Counter(ran.read_text().splitlines() if ran.exists() else [])
    done = [job for job in jobs if job["state"] == "done"]
    failed = [job for job in jobs if job["state"] == "failed"]
    with_task = [f"{job['service']} {job['version']}" for job in done if job["request"].get("before")]
    report = {
        "asked": books.asked,
        "accepted": len(books.accepted),
        "unanswered": books.unanswered,
        "on record": len(jobs),
        "lost": len(lost),
        "done": len(done),
        "failed": Counter(" ".join(job["error"]["message"].split()[:7]) for job in failed),
        "tasks run twice": [line for line, count in runs.items() if count > 1],
        "done without their task": [line for line in with_task if not runs[line]],
    }
    assert not lost and len(jobs) <= books.asked, report
    assert not report["tasks run twice"], report
    assert not report["done without their task"], report
    assert all("cut off after echo" in job["error"]["message"] for job in failed), report
    for service in SERVICES:
        last = next((job["version"] for job in done if job["service"] == service), None)
        units = server.ask("GET", f"/v1/services/{service}/units")["units"]
        there = [(unit["version"], unit["state"]) for unit in units]
        assert there == ([(last, "running")] if last else []), (service, last, there)
    return report


def remove_all(server: Server, service: str) -> None:
    """Destroy whatever runs of a service."""
    try:
        for unit in server.ask("GET", f"/v1/services/{service}/units")["units"]:
            server.ask("DELETE", f"/v1/services/{service}/deploys/{unit['version']}")
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"{error}: {error.read()!r}\n")


def main() -> None:
    """The number of rounds is the first argument."""
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        report = kill_again_and_again(Path(folder), int(sys.argv[1]))
        sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
