"""What the faults' tests start from: a cluster that the double of fleetctl keeps, and command lines over it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployster_cli.main import run
from deployster_cli.operations import clock
from tests.faults import fleetctl

PROJECT = """
[fleet]
fleetctl = "{fleetctl}"
ssh_timeout = 0.1

[services.carousel]
template = "process"
command = "exec ./serve"
directory = "/srv/carousel/{{version}}"
"""

# Seconds that pass for Deployster in one of ours, so that a rollout takes no time; fleetctl's limits are real ones.
SPEED = 20.0

# Seconds, the time limit of a call where one is to be waited for.
SHORT = 0.4

LONG = 30.0

REPOSITORY = str(Path(__file__).parents[2])

# No process has this number: Linux counts to 4194304 at most.
NOBODY = 4_194_305


class FastClock(clock.SystemClock):
    """The machine's clocks, where seconds that are waited for pass quickly."""

    def now(self) -> float:
        """Seconds of Deployster's."""
        return time.monotonic() * SPEED

    def sleep(self, seconds: float) -> None:
        """Wait that much less."""
        time.sleep(seconds / SPEED)


@dataclass
class Done:
    """One command line's end."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def error(self) -> str:
        """The sentence with which it ended: its last paragraph that is an error."""
        return self.err.rpartition("Error: ")[2] if "Error: " in self.err else ""


@dataclass
class Cluster:
    """The cluster that the double keeps in ``folder``, and the project in the folder ``project`` that works on it."""

    folder: Path
    project: Path
    before: list[str] = field(default_factory=list)

    @classmethod
    def made(cls, at: Path) -> Cluster:
        """A cluster in a folder, the double as a program there, and a project. Nothing runs yet."""
        found = cls(at / "cluster", at / "project")
        found.folder.mkdir()
        found.project.mkdir()
        program = at / "fleetctl"
        double = shlex.join((sys.executable, "-IS", fleetctl.__file__))  # a checkout's path may have spaces
        program.write_text(f'#!/bin/sh\nexec {double} "$@"\n')
        program.chmod(0o755)
        (found.project / "deployster.toml").write_text(PROJECT.format(fleetctl=program))
        return found

    @property
    def environ(self) -> dict[str, str]:
        """What a process of Deployster needs to work on it."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("DEPLOYSTER_", "FLEETCTL_"))}
        home = {"HOME": str(self.project), "XDG_CACHE_HOME": str(self.project / "cache")}
        return {
            **ours,
            **home,
            "FAULTS_FOLDER": str(self.folder),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": REPOSITORY,
        }

    def argv(self, line: str) -> list[str]:
        """A command line as a process on the cluster; ``before`` is put ahead of it. Seconds pass quickly there too."""
        return [*self.before, sys.executable, "-P", "-m", "tests.faults.quick", *line.split()]

    @property
    def temporary(self) -> Path:
        """Where temporary files go."""
        at = self.project / "tmp"
        at.mkdir(exist_ok=True)
        return at

    def switch(self, mode: str, at: tuple[str, ...] = (), **more: int) -> None:
        """What goes wrong from now on: with calls of ``at`` (any), after ``skip`` of them, ``times`` of them (all)."""
        (self.folder / "switch.json").write_text(json.dumps({"mode": mode, "at": at, **more}))

    @property
    def calls(self) -> list[str]:
        """The calls of fleetctl up to now, each with what went wrong and what it named."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def units(self) -> dict[str, dict[str, Any]]:
        """What the registry has."""
        path = self.folder / "cluster.json"
        units: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
        return {name: unit for name, unit in units.items() if "gone" not in unit}

    @property
    def launched(self) -> list[str]:
        """Which instances are wanted to run, in the short form: v1@1."""
        units = self.units.items()
        return sorted(short(name) for name, unit in units if unit["desired"] == "launched" and "lock" not in name)

    @property
    def state(self) -> dict[str, tuple[str, str]]:
        """Unit → its content's hash and what is wanted of it."""
        return {name: (unit["hash"], unit["desired"]) for name, unit in self.units.items()}

    def put(self, unit: dict[str, Any]) -> None:
        """Have a unit in the registry."""
        path = self.folder / "cluster.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), unit["name"]: unit}))

    def let_go(self) -> None:
        """Make a lock that was left look as it does when its owner's process has ended: ours has not."""
        path = self.folder / "cluster.json"
        if path.exists():
            path.write_text(re.sub(r"\\nPid=[0-9]+\\n", rf"\\nPid={NOBODY}\\n", path.read_text()))

    def fewest(self, since: int = 0) -> int:
        """The smallest number of instances of carousel that served after one of the calls from the ``since``-th on."""
        path = self.folder / "serving"
        lines = path.read_text().splitlines()[since:] if path.exists() else []
        return min((sum(n.startswith("carousel-") for n in json.loads(line)) for line in lines), default=0)

    @property
    def looks(self) -> int:
        """How many entries ``fewest`` has to look at."""
        path = self.folder / "serving"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def living(self) -> list[int]:
        """Processes that work on this cluster still, ours not."""
        mark = f"FAULTS_FOLDER={self.folder}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0") and int(path.name) != os.getpid():
                    found.append(int(path.name))
        return found


def short(name: str) -> str:
    """``v1@1`` of a unit of carousel."""
    return name.removeprefix("carousel-").removesuffix(".service")


@dataclass
class Shell:
    """Command lines over the cluster, run in this process; Deployster's seconds pass quickly there."""

    cluster: Cluster
    codes: list[int] = field(default_factory=list)

    def __call__(self, line: str, *, limit: float = LONG) -> Done:
        """One command line, to its end; ``limit`` is the time limit of a call of fleetctl."""
        os.environ["DEPLOYSTER_FLEET_READ_TIMEOUT"] = os.environ["DEPLOYSTER_FLEET_WRITE_TIMEOUT"] = str(limit)
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = run(line.split())
        self.codes.append(code)
        return Done(code, out.getvalue(), err.getvalue(), time.monotonic() - began)


@contextlib.contextmanager
def fast(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process in the cluster's project, with the clock that runs."""
    for name in [name for name in os.environ if name.startswith(("DEPLOYSTER_", "FLEETCTL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("READ", "WRITE"):
        monkeypatch.setenv(f"DEPLOYSTER_FLEET_{name}_TIMEOUT", "30")
    monkeypatch.setattr("tempfile.tempdir", str(cluster.temporary))
    monkeypatch.setattr(clock, "SystemClock", FastClock)
    monkeypatch.chdir(cluster.project)
    yield


def deploy_two(at: Path) -> Path:
    """The double's file of a cluster on which carousel v0 was replaced by v1, three instances of each."""
    cluster = Cluster.made(at)
    with pytest.MonkeyPatch.context() as monkeypatch, fast(cluster, monkeypatch):
        for line in ("deploy carousel v0 --instances 3", "deploy carousel v1 --destroy-previous"):
            assert Shell(cluster)(f"{line} --settle 0s -q").code == 0
    return cluster.folder / "cluster.json"
