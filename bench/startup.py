"""Start-up: what every command costs before it does anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from bench.effort import Effort, cpus, deployster, environment, sample, walls
from bench.results import Comparison, Target, compared

RIVAL = "python -c 'import click'"
_MOST = Target(1.25)
_PAIRS = 40


def run(effort: Effort) -> Iterator[Comparison]:
    """By the clock, and in processor time, which other work on the machine moves less."""
    environ = environment()
    rival = partial(sample, (sys.executable, "-c", "import click"), environ)
    for word in ("--version", "--help"):
        pairs = effort.pairs(_PAIRS, partial(sample, (*deployster(), word), environ), rival)
        target = _MOST if word == "--version" else None
        yield compared(f"start-up: {word}", RIVAL, "ms", walls(pairs), target)
        yield compared(f"start-up: {word}, processor time", RIVAL, "ms", cpus(pairs), target)
