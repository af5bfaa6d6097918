"""How much is measured, and taking samples in turn so that both sides meet the same busy moments."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess  # what is measured are processes  # nosec B404
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

# Seconds for one process.
LIMIT = 180.0

# Seconds for a process to end when it is asked to: Deployster gives its lock back.
_LAST_STEPS = 20.0

# How many samples show that a benchmark works.
QUICK = 2


class Failed(Exception):
    """A process that is part of a benchmark failed: its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Effort:
    """``quick`` shows that a benchmark works; its figures are of little worth."""

    quick: bool = False

    def times(self, usual: int) -> int:
        """How many pairs of samples to take."""
        return min(usual, QUICK) if self.quick else usual

    def pairs(self, usual: int, ours: Callable[[], T], other: Callable[[], U]) -> list[tuple[T, U]]:
        """Pairs of samples, taken in turn: ours, the rival's, ours, … One pair goes ahead and is not counted."""
        ours(), other()
        return [(ours(), other()) for _ in range(self.times(usual))]


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: milliseconds by the clock, milliseconds of processor time (its children's too), what it printed."""

    wall: float
    cpu: float
    out: str


def walls(pairs: Sequence[tuple[Sample, Sample]]) -> list[tuple[float, float]]:
    """The pairs' times by the clock."""
    return [(ours.wall, other.wall) for ours, other in pairs]


def cpus(pairs: Sequence[tuple[Sample, Sample]]) -> list[tuple[float, float]]:
    """The pairs' processor times."""
    return [(ours.cpu, other.cpu) for ours, other in pairs]


def sample(
    argv: Sequence[str], environ: Mapping[str, str] | None = None, cwd: Path | None = None, limit: float = LIMIT
) -> Sample:
    """Run a process to its end; Failed, with its last words, where it fails or takes more than ``limit`` seconds."""
    before, began = _processor_time(), time.perf_counter()
    code, out, err = _ended(argv, environ, cwd, limit)
    wall = time.perf_counter() - began
    if code:
        raise Failed(f"{' '.join(argv)[:200]} ended with {code}: {err.strip()[-500:]}")
    return Sample(1000 * wall, 1000 * (_processor_time() - before), out)


def _ended(
    argv: Sequence[str], environ: Mapping[str, str] | None, cwd: Path | None, limit: float
) -> tuple[int, str, str]:
    """Exit code and both streams. Ctrl-C is for us alone; whatever makes us leave early ends the process first."""
    with subprocess.Popen(  # an argv of ours, and no shell  # nosec B603
        argv,
        env=environ,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=limit)
        except BaseException as error:
            end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"{' '.join(argv)[:200]} took more than {limit:g} s") from error
            raise
    return process.returncode, out, err


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and all in it: asked to first, so that it can tidy up."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_LAST_STEPS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _processor_time() -> float:
    """Seconds of processor time of all our children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def deployster() -> tuple[str, ...]:
    """The program as a user starts it: the one installed beside this Python, or the package itself."""
    installed = Path(sys.executable).with_name("deployster")
    return (str(installed),) if installed.exists() else (sys.executable, "-m", "deployster_cli")


# Beginnings of variables that would change what is measured: PYTHONDONTWRITEBYTECODE alone doubles a start.
_LEFT_OUT = ("DEPLOYSTER_", "FLEETCTL_", "PYTHON")


def environment(**more: str) -> dict[str, str]:
    """Our environment without anybody's settings of Deployster, fleetctl or Python."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}, **more}
