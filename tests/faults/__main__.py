"""More than the suite has time for: every command, every fault, at every kind of call; and rollouts with bad luck.

python -m tests.faults [--seeds 200] [--jobs 2] [NAME…]: one line a trial, then what went wrong. Exit 1 where anything
did.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from deployster_cli.engines.fleet.ssh import agent as ssh_agent
from tests.faults.given import Cluster, Shell, deploy_two, fast
from tests.faults.trials import CHANGING, MODES, OFTEN, ROWS, VERBS, at_once, midway, unlucky


@dataclass(frozen=True)
class Case:
    """One trial. Without a verb the fault is there from the first call on, with a seed it is bad luck."""

    name: str
    mode: str
    verb: str = ""
    times: int = 0
    seed: int = -1


def cases(seeds: int) -> Iterator[Case]:
    """All of them."""
    for name, row in ROWS.items():
        if row.asks:
            yield from (Case(name, mode) for mode in MODES)
    for name in CHANGING:
        for verb in VERBS:
            yield from (Case(name, mode, verb, times) for mode in MODES for times in OFTEN)
        yield from (Case(name, "flaky", seed=seed) for seed in range(seeds))


@cache
def deployed() -> Path:
    """A cluster's file with two releases deployed, made once in each worker."""
    return deploy_two(Path(tempfile.mkdtemp(prefix="faults-")))


def tried(case: Case) -> tuple[Case, str, str]:
    """The case, how it ended, and what was wrong."""
    at = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(ssh_agent, "agent_problem", lambda: ("", ""))
            cluster = Cluster.made(at)
            shutil.copy(deployed(), cluster.folder)
            with fast(cluster, monkeypatch):
                shell = Shell(cluster)
                return case, *trial(shell, case)
    finally:
        shutil.rmtree(at)


def trial(shell: Shell, case: Case) -> tuple[str, str]:
    """How it ended (its exit code), and what was wrong."""
    if case.seed >= 0:
        wrong = unlucky(shell, case.name, case.seed)
    elif case.verb:
        wrong = midway(shell, case.name, case.mode, case.verb, case.times)
    else:
        wrong = at_once(shell, case.name, case.mode)
    return str(shell.codes[0]), wrong


def tell(*lines: object) -> None:
    """To whoever started it."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> int:
    """Try them, side by side."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seeds", type=int, default=20, help="rollouts with one call in five failing, each command")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only cases whose line has this in it")
    given = parser.parse_args()
    chosen = [case for case in cases(given.seeds) if given.only in str(case)]
    ends: dict[tuple[str, str, str], Counter[str]] = {}
    wrong = []
    with tempfile.TemporaryDirectory(prefix="faults-") as at, ProcessPoolExecutor(given.jobs) as pool:
        tempfile.tempdir = at  # of the workers, which are forks of this process, too
        for case, end, faults in pool.map(tried, chosen):
            ends.setdefault((case.name, case.mode, case.verb), Counter())[end] += 1
            wrong += [case] if faults else []
            tell(f"exit {end} {case}" + (f"\n{faults}" if faults else ""))
    for (name, mode, verb), counted in ends.items():
        codes = ", ".join(f"exit {code}: {times}" for code, times in sorted(counted.items()))
        tell(f"{name:10} {mode:8} {verb or '-':16} {codes}")
    tell(f"{len(chosen)} trials, {len(wrong)} of them wrong", *wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
