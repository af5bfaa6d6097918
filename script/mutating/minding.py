"""A plugin of pytest, for a copy with a change in it: a test that runs on for ever ends the run with it."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator

import pytest

# The variable that says how many seconds a test may take.
LONGEST = "MUTATING_LONGEST"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """End the process, with exit code 1 and no word of a failed test, where this one takes too long."""
    faulthandler.dump_traceback_later(float(os.environ[LONGEST]), exit=True, file=2)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
