"""HTTP: ``GET …/units`` of a server that has one core to itself, asked by wrk from another."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess  # what is measured are processes  # nosec B404
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.effort import Effort, Failed, deployster, end, environment, sample
from bench.memory import resident
from bench.results import Comparison, Missing, Target, compared
from bench.standin import StandIn, standing_in

UNITS = 300
CONNECTIONS = (1, 32, 200)
PATH = "/v1/services/carousel/units"
RIVAL = "a bare FastAPI route"

_LEAST = Target(1500.0, own=True, at_least=True)

# The connections that the target is for.
_AIMED_AT = 32

_RUNS = 3
_SECONDS = 5
_STARTS = 20.0
_PASSWORD = "of-this-benchmark"  # noqa: S105 - it lets nobody in anywhere else  # nosec B105


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured: answers a second, milliseconds in which half and 99 of 100 came, and how many did not."""

    rate: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True, slots=True)
class Server:
    """A server under way."""

    pid: int
    url: str

    @property
    def memory(self) -> float:
        """Megabytes resident now."""
        return resident(Path(f"/proc/{self.pid}/status").read_text(), "VmRSS")


def run(effort: Effort) -> Iterator[Comparison]:
    """Ours and the bare one, both up all the time, loaded in turn."""
    cores = _needed()
    with (
        standing_in(UNITS, "carousel") as fleetctl,
        _ours(fleetctl, cores[0]) as ours,
        _bare(fleetctl.folder, cores[0]) as bare,
    ):
        for server in (ours, bare):
            load(server, 1, 1, cores[1])
        yield compared("serve: memory, idle", RIVAL, "MB", [(ours.memory, bare.memory)])
        for connections in CONNECTIONS:
            yield from _under(effort, ours, bare, connections, cores[1])
        yield compared(f"serve: memory, after {CONNECTIONS[-1]} connections", RIVAL, "MB", [(ours.memory, bare.memory)])


def _under(effort: Effort, ours: Server, bare: Server, connections: int, core: int) -> Iterator[Comparison]:
    seconds = 1 if effort.quick else _SECONDS
    pairs = [
        (load(ours, connections, seconds, core), load(bare, connections, seconds, core))
        for _ in range(effort.times(_RUNS))
    ]
    shown = f"serve: GET {UNITS} units, {connections} connection{'s' * (connections > 1)}"
    target = _LEAST if connections == _AIMED_AT else None
    yield compared(shown, RIVAL, "/s", [(a.rate, b.rate) for a, b in pairs], target)
    yield compared(f"{shown}, half within", RIVAL, "ms", [(a.p50, b.p50) for a, b in pairs])
    yield compared(f"{shown}, 99 % within", RIVAL, "ms", [(a.p99, b.p99) for a, b in pairs])
    if any(a.failed for a, _ in pairs):
        yield compared(f"{shown}, not answered", RIVAL, "", [(a.failed, b.failed) for a, b in pairs])


def _needed() -> list[int]:
    """The cores: one for the server, one for wrk; Missing where anything is not here."""
    for program in ("wrk", "taskset"):
        if not shutil.which(program):
            raise Missing(f"no {program}")
    for library in ("fastapi", "granian"):
        if not find_spec(library):
            raise Missing(f"no {library} (pip install 'deployster[serve]')")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < len(("server", "wrk")):
        raise Missing("one core only: wrk needs another than the server's")
    return cores


def load(server: Server, connections: int, seconds: int, core: int) -> Load:
    """Ask as often as it answers."""
    login = base64.b64encode(f"deployster:{_PASSWORD}".encode()).decode()
    argv = [
        *("taskset", "--cpu-list", str(core), "wrk", "--threads", "1", "--latency", "--timeout", "10s"),
        *("--connections", str(connections), "--duration", f"{seconds}s", "--header", f"Authorization: Basic {login}"),
        *("--script", str(Path(__file__).with_name("wrk.lua")), server.url + PATH),
    ]
    return parsed(sample(argv).out)


def parsed(out: str) -> Load:
    """What wrk.lua wrote, at the end of what wrk prints itself."""
    found = json.loads(out.splitlines()[-1])
    rate = found["requests"] / found["microseconds"] * 1e6
    return Load(rate, found["p50"] / 1000, found["p99"] / 1000, found["failed"])


@contextlib.contextmanager
def _ours(fleetctl: StandIn, core: int) -> Iterator[Server]:
    environ = {
        **fleetctl.environ,
        "XDG_STATE_HOME": str(fleetctl.folder / "state"),
        "DEPLOYSTER_SERVE_PASSWORD": _PASSWORD,
    }
    with _started((*deployster(), "serve", "--listen"), environ, fleetctl.folder / "ours.log", core) as server:
        yield server


@contextlib.contextmanager
def _bare(folder: Path, core: int) -> Iterator[Server]:
    argv = (sys.executable, "-m", "bench.bare", str(UNITS))
    environ = environment(PYTHONPATH=str(Path(__file__).parents[1]))
    with _started(argv, environ, folder / "bare.log", core) as server:
        yield server


@contextlib.contextmanager
def _started(argv: Sequence[str], environ: Mapping[str, str], log: Path, core: int) -> Iterator[Server]:
    """A server on a free port of this machine's own address, which is the last word of its argv; ended after."""
    listen = f"127.0.0.1:{_free_port()}"
    pinned = ("taskset", "--cpu-list", str(core), *argv, listen)
    with log.open("wb") as sink:
        process = subprocess.Popen(  # an argv of ours, and no shell  # nosec B603
            pinned,
            env=environ,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        _wait(process, listen, log)
        yield Server(process.pid, f"http://{listen}")
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], listen: str, log: Path) -> None:
    """Until it takes a connection; Failed where it ends, or takes none in good time."""
    host, _, port = listen.rpartition(":")
    until = time.monotonic() + _STARTS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.1)
    raise Failed(f"a server does not listen on {listen}; it says: {log.read_text()[-500:]}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
