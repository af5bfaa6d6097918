"""Fuzz the parsers, one after the other, and print what came of it: ``python -m tests.fuzz [PARSER…] --minutes 10``.

Each is fuzzed by a process of its own (tests/fuzz/one.py). What failed is in the folder that is named at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]

# Seconds beside its time that a process may take, where the machine is busy: to start, and to load its seeds.
GRACE = 600

_RUNS = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.MULTILINE)
_STEPS = re.compile(r"^#(\d+)\s+\S+\s+cov: (\d+) ft: (\d+)", re.MULTILINE)

COLUMNS = "{:<18} {:>11} {:>7} {:>6} {:>9} {:>9}"


@dataclass(frozen=True)
class Fuzzed:
    """What came of one parser. ``edges`` and ``features`` are libFuzzer's words for how much of it was reached."""

    parser: str
    cases: int
    seconds: float
    edges: int
    features: int
    failures: int

    @property
    def row(self) -> str:
        return COLUMNS.format(
            self.parser, f"{self.cases:,}", f"{self.seconds:.0f}", self.edges, self.features, self.failures
        )


def fuzzed(parser: str, seconds: int, folder: Path) -> Fuzzed:
    """Fuzz one parser; its log and its failures are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    log, began, code = folder / "log", time.monotonic(), 1
    argv = (sys.executable, "-m", "tests.fuzz.one", parser, str(seconds), str(folder))
    with log.open("wb") as said, contextlib.suppress(subprocess.TimeoutExpired):
        code = subprocess.run(argv, cwd=ROOT, stdout=said, stderr=said, timeout=seconds + GRACE, check=False).returncode
    text = log.read_text(errors="replace")
    steps, runs = _STEPS.findall(text), _RUNS.findall(text)
    cases, edges, features = map(int, steps[-1]) if steps else (0, 0, 0)
    found = len(list(folder.glob("*.bin"))) + len(list(folder.glob("hang-*")))
    if code and not found:
        sys.exit(f"{parser} was not fuzzed:\n{text[-2000:]}")
    return Fuzzed(parser, int(runs[-1]) if runs else cases, time.monotonic() - began, edges, features, found)


def main() -> int:
    """1 where anything failed."""
    parser = argparse.ArgumentParser(prog="script/fuzz", description="Fuzz the parsers.")
    parser.add_argument("parsers", metavar="PARSER", nargs="*", help=f"all of them, or some of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each of them (10)")
    parser.add_argument("--folder", type=Path, help="where what failed is kept (a new one)")
    given = parser.parse_args()
    unknown = [name for name in given.parsers if name not in TARGETS]
    if unknown:
        parser.error(f"there is no parser {unknown[0]}; there are {', '.join(TARGETS)}")
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="deployster-fuzz-"))).absolute()
    print(COLUMNS.format("PARSER", "CASES", "SECONDS", "EDGES", "FEATURES", "FAILURES"), flush=True)
    failures = 0
    for name in given.parsers or TARGETS:
        result = fuzzed(name, round(given.minutes * 60), folder / name)
        failures += result.failures
        print(result.row, flush=True)
    if failures:
        print(f"What failed, each with its input: {folder}/PARSER/*.txt")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
