"""Break the core in small ways and see whether a test notices; see script/mutants."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from copies import Copy
from covering import Coverage, measure
from equivalents import LIST, Judged, judged, stale, why
from operators import Mutant, mutants_of
from trying import Verdict, try_all

ROOT = Path(__file__).parents[2]

# What is changed, below deployster_cli.
CORE = (
    *(
        f"domain/rollout/{name}.py"
        for name in ("plan", "instances", "machine", "state", "looks", "tracking", "placement")
    ),
    *(f"domain/{name}.py" for name in ("units/names", "units/unitfile", "units/model", "templates/render")),
    *(f"domain/{name}.py" for name in ("lock", "limits", "env_file")),
    *("engines/*/parse.py", "config/*.py"),
    *(f"operations/{name}.py" for name in ("deploy", "releases", "rollout", "change", "lock", "prerequisites")),
    *("server/middleware/credentials.py", *(f"server/jobs/{name}.py" for name in ("queue", "store", "worker"))),
)

# The share of the changes that tests have to notice, those that change nothing left out.
ENOUGH = 0.95


def main() -> int:
    """One run; the table is printed."""
    given = _arguments()
    paths = [str(path.relative_to(ROOT)) for path in _files(given.paths)]
    sources = {path: (ROOT / path).read_text("utf-8") for path in paths}
    everything = sorted(mutant for path, source in sources.items() for mutant in mutants_of(path, source))
    known = tuple(judged(LIST.read_text("utf-8")))
    left_over = _stale(known, sources, everything)
    for one in left_over:
        print(f"equivalents.toml: {one.path} has no {one.line!r} with {one.change!r} any more")
    chosen = _chosen(everything, given)
    print(f"{len(chosen)} of {len(everything)} changes of {len(paths)} files, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Copy(ROOT, Path(folder) / str(number)) for number in range(given.jobs)]
        coverage = _coverage(copies, given)
        verdicts = []
        for verdict in try_all(copies, chosen, sources, coverage, given.limit):
            reason = why(verdict.mutant, sources[verdict.mutant.path], known) if verdict.lived else ""
            verdicts.append(verdict._replace(equivalent=reason))
            print(verdicts[-1].row, flush=True)
    return _summed_up(verdicts) or int(bool(left_over))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", help="files to change (default: the core)")
    parser.add_argument("--seed", type=int, default=1, help="which changes are drawn (default: 1)")
    parser.add_argument("--count", type=int, default=300, help="how many; 0 for all (default: 300)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--limit", type=float, default=60, help="seconds of tests for a change (default: 60)")
    parser.add_argument("--tests", action="append", help="tests to choose from (default: all)")
    parser.add_argument("--map", type=Path, help="keep there, or take from there, which tests run which line")
    return parser.parse_args()


def _files(given: Sequence[str]) -> list[Path]:
    if given:
        return [Path(name).resolve() for name in given]
    return sorted({path for pattern in CORE for path in (ROOT / "deployster_cli").glob(pattern)})


def _chosen(everything: Sequence[Mutant], given: argparse.Namespace) -> list[Mutant]:
    """A drawn share of all; the same for the same seed and the same text."""
    count = min(given.count or len(everything), len(everything))
    return sorted(random.Random(given.seed).sample(everything, count))  # noqa: S311 - no secret  # nosec B311


def _stale(known: Sequence[Judged], sources: dict[str, str], everything: Sequence[Mutant]) -> list[Judged]:
    lines = {path: source.splitlines() for path, source in sources.items()}
    there: dict[str, list[tuple[str, str]]] = {}
    for mutant in everything:
        there.setdefault(mutant.path, []).append((lines[mutant.path][mutant.line - 1].strip(), mutant.told))
    return stale([one for one in known if one.path in sources], there)


def _coverage(copies: Sequence[Copy], given: argparse.Namespace) -> Coverage:
    if given.map and given.map.exists():
        return Coverage.parse(given.map.read_text("utf-8"))
    print("finding out which tests run which line", flush=True)
    found = measure(copies, given.tests or ["tests"], limit=3600)
    if given.map:
        given.map.write_text(found.text(), "utf-8")
    return found


def _summed_up(verdicts: Sequence[Verdict]) -> int:
    counted = [verdict for verdict in verdicts if not verdict.equivalent]
    killed = sum(not verdict.lived for verdict in counted)
    share = killed / len(counted) if counted else 1.0
    nothing, lived = len(verdicts) - len(counted), len(counted) - killed
    print(f"\n{len(verdicts)} changes: {killed} noticed, {lived} not, {nothing} change nothing")
    print(f"{share:.1%} of those that change something are noticed; {ENOUGH:.0%} have to be")
    for line in _by_operator(counted):
        print(line)
    return int(share < ENOUGH)


def _by_operator(counted: Sequence[Verdict]) -> Iterator[str]:
    for what in sorted({verdict.mutant.what for verdict in counted}):
        of = [verdict for verdict in counted if verdict.mutant.what == what]
        yield f"  {what}: {sum(not verdict.lived for verdict in of)} of {len(of)}"


if __name__ == "__main__":
    sys.exit(main())
