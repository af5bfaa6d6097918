"""What is read out of a deploy's own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from attempt import Attempt

SAID = """2026-11-23T09:16:59Z Waiting for the lock held by root on vm (process 1) for 2s, deploying v1
2026-11-23T09:20:57Z Starting broken v2 @1
2026-11-23T09:21:05Z   broken v2 @1  running on 10.78.0.13  8s
Done: broken v2 runs.
"""


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """One whose process was never started."""
    found = Attempt.__new__(Attempt)
    found.skew, found.log = 0, tmp_path / "said.log"
    found.log.write_text(SAID)
    return found


def test_it_began_when_it_had_the_lock(attempt: Attempt) -> None:
    assert attempt.span == ("2026-11-23T09:20:57Z", "2026-11-23T09:21:05Z")


def test_the_last_line_is_what_it_said(attempt: Attempt) -> None:
    assert attempt.said == "Done: broken v2 runs."


def test_an_error_counts_for_more_than_what_follows_it(attempt: Attempt) -> None:
    attempt.log.write_text("Error: it failed.\nWhat to type next.\n")
    assert attempt.said == "Error: it failed."


def test_silence_has_no_times(attempt: Attempt) -> None:
    attempt.log.write_text("")
    assert (attempt.span, attempt.said) == (("", ""), "")
