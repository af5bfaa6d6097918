"""Trying changes: each is written into a copy, the tests of its lines run there, and what they say is the verdict."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from copies import TIMED_OUT, Copy
from covering import Coverage
from minding import LONGEST
from operators import Mutant

# A test failed; all passed; no test runs the line; a test ran on and was ended, which counts as noticed.
KILLED, LIVED, UNTESTED, SLOW = "noticed", "LIVED", "UNTESTED", "ran on"

_NOT_RUN, _PASSED, _ENDED = 5, 0, 1
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Verdict(NamedTuple):
    """What became of a change, and the test that noticed it. ``unrun``: how many of its tests took too long to be run;
    ``equivalent``: why it counts for nothing.
    """

    mutant: Mutant
    word: str
    by: str = ""
    unrun: int = 0
    equivalent: str = ""

    @property
    def lived(self) -> bool:
        """Whether no test noticed it."""
        return self.word in {LIVED, UNTESTED}

    @property
    def row(self) -> str:
        """The verdict as a line of the table."""
        word = "changes nothing" if self.equivalent else self.word
        unrun = f"{self.unrun} of its tests not run, see --limit" if self.unrun else ""
        behind = self.equivalent or self.by or unrun
        return f"{self.mutant.path}:{self.mutant.line}: {self.mutant.told} | {word}{' | ' + behind if behind else ''}"


def try_all(
    copies: Sequence[Copy],
    mutants: Sequence[Mutant],
    sources: Mapping[str, str],
    coverage: Coverage,
    budget: float,
) -> Iterator[Verdict]:
    """Every verdict, in the order of the changes. ``budget``: seconds of tests for each."""
    free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def tried(mutant: Mutant) -> Verdict:
        copy = free.get()
        try:
            return _tried(copy, mutant, sources[mutant.path], coverage, budget)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        yield from pool.map(tried, mutants)


def _tried(copy: Copy, mutant: Mutant, source: str, coverage: Coverage, budget: float) -> Verdict:
    numbers = range(mutant.line, mutant.last + 1)
    tests, unrun = coverage.of(mutant.path, numbers, inside=mutant.inside, budget=budget)
    if not tests:
        return Verdict(mutant, UNTESTED)
    longest = 10 + 10 * max(coverage.seconds[test] for test in tests)
    copy.write(mutant.path, mutant.text)
    try:
        code, out = copy.pytest(["-x", "-p", "minding", *tests], limit=30 + 4 * budget, **{LONGEST: str(longest)})
    finally:
        copy.write(mutant.path, source)
    if code in {_PASSED, _NOT_RUN}:
        return Verdict(mutant, LIVED, unrun=unrun)
    named = _FAILED.search(out)
    if code == TIMED_OUT or (code == _ENDED and not named):
        return Verdict(mutant, SLOW)
    return Verdict(mutant, KILLED, named[1] if named else f"pytest's exit code {code}")
