"""Which tests run which line of the core."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from copies import PLAIN, Copy
from coverage import CoverageData
from recording import TIMES

# Path → line → the tests that run it. Line 0 has those whose file imports it: they may use no more than a constant.
Lines = Mapping[str, Mapping[int, Sequence[str]]]


@dataclass(frozen=True)
class Coverage:
    """The tests of each line, and the seconds that each test takes with all its parameters."""

    lines: Lines
    seconds: Mapping[str, float]

    def of(self, path: str, numbers: Iterable[int], *, inside: bool, budget: float) -> tuple[list[str], int]:
        """The tests for a change of these lines, the likeliest first, for ``budget`` seconds at most; and how many were
        left out for that.

        What is outside of functions, or in one that only such lines call, runs when its module is imported, so there it
        is every test of the module.
        """
        known = self.lines.get(path, {})
        here = [known[number] for number in numbers if number in known]
        found = {test for tests in here for test in tests}
        if not inside or (here and not found):
            found |= {test for tests in known.values() for test in tests}
        own = f"test_{Path(path).stem}.py::"
        # A test of the module's own is likelier to notice, but a slow one must not keep all others out.
        weight = {test: self.seconds[test] / (10 if own in test else 1) for test in found & self.seconds.keys()}
        in_order = sorted(weight, key=lambda test: (weight[test], test))
        chosen, spent = [], 0.0
        for test in in_order:
            spent += self.seconds[test]
            if spent > budget and chosen:
                break
            chosen.append(test)
        return chosen, len(in_order) - len(chosen)

    def text(self) -> str:
        """As JSON, to be kept."""
        return json.dumps({"lines": self.lines, "seconds": self.seconds})

    @classmethod
    def parse(cls, text: str) -> Coverage:
        """What ``text`` gave."""
        found = json.loads(text)
        lines = {path: {int(number): tests for number, tests in of.items()} for path, of in found["lines"].items()}
        return cls(lines, found["seconds"])


def measure(copies: Sequence[Copy], tests: Sequence[str], limit: float) -> Coverage:
    """Run the tests once, shared out among the copies. Those that fail as things are are left out."""
    files = sorted({str(path.relative_to(copies[0].folder)) for test in tests for path in _files(copies[0], test)})
    shares = [files[number :: len(copies)] for number in range(len(copies))]
    with ThreadPoolExecutor(len(copies)) as pool:
        parts = list(pool.map(lambda pair: _measured(*pair, limit), zip(copies, shares, strict=True)))
    lines: dict[str, dict[int, list[str]]] = {}
    for part in parts:
        for path, of in part.lines.items():
            for number, found in of.items():
                lines.setdefault(path, {}).setdefault(number, []).extend(found)
    return Coverage(lines, {test: taken for part in parts for test, taken in part.seconds.items()})


def _files(copy: Copy, test: str) -> list[Path]:
    at = copy.folder / test
    return sorted(at.rglob("test_*.py")) if at.is_dir() else [at]


def _measured(copy: Copy, files: Sequence[str], limit: float) -> Coverage:
    if not files:
        return Coverage({}, {})
    data, times = copy.folder / ".coverage-of-tests", copy.folder / ".times-of-tests"
    under = ("-m", "coverage", "run", "--rcfile=/dev/null", "--source=deployster_cli", f"--data-file={data}")
    code, out = copy.pytest(["-p", "recording", "-m", PLAIN, *files], limit, under, **{TIMES: str(times)})
    if not times.exists():
        raise SystemExit(f"pytest ended with {code} and no result:\n{out[-2000:]}")
    read = CoverageData(str(data))
    read.read()
    lines: dict[str, dict[int, list[str]]] = {}
    for path in read.measured_files():
        by_line = read.contexts_by_lineno(path).items()
        lines[str(Path(path).relative_to(copy.folder))] = {n: [test for test in tests if test] for n, tests in by_line}
    seconds = json.loads(times.read_text("utf-8"))
    for file in files:
        here = [test for test in seconds if test.startswith(f"{file}::")]
        for path in _imported(copy, file):
            lines.setdefault(path, {}).setdefault(0, []).extend(here)
    return Coverage(lines, seconds)


def _imported(copy: Copy, file: str) -> set[str]:
    """The modules of the product that a file of tests imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((copy.folder / file).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{each.name}" for each in node.names)}
    found = {f"{name.replace('.', '/')}.py" for name in names if name.startswith("deployster_cli.")}
    return {path for path in found if (copy.folder / path).is_file()}
