"""A plugin of pytest, for a run under coverage: which lines each test runs, its fixtures' too, and how long it takes.

What a test is called has no parameters in it: a line that one set of them runs is that test's.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

# The variable that names the file for the times.
TIMES = "MUTATING_TIMES"

_seconds: dict[str, float] = {}
_failed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Name what runs now."""
    test = item.nodeid.partition("[")[0]
    running = coverage.Coverage.current()
    if running:
        running.switch_context(test)
    begun = time.monotonic()
    try:
        return (yield)
    finally:
        _seconds[test] = _seconds.get(test, 0.0) + time.monotonic() - begun
        if running:
            running.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a test that fails as things are: it says nothing about a change."""
    if report.failed or (report.skipped and report.when != "call"):
        _failed.add(report.nodeid.partition("[")[0])


def pytest_sessionfinish() -> None:
    """Write the times of those that passed."""
    passed = {test: taken for test, taken in _seconds.items() if test not in _failed}
    Path(os.environ[TIMES]).write_text(json.dumps(passed), "utf-8")
