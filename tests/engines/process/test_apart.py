"""Processes that outlive us."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deployster_cli.engines.process import apart, run

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("error")]

LEAVES = """
from deployster_cli.engines.process import detach
for seconds in "0", "1":
    detach(["sleep", seconds], log="/dev/null")
"""


def test_whoever_leaves_others_running_goes_without_a_word() -> None:
    done = run([sys.executable, "-W", "error", "-c", LEAVES], limit=20)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_one_that_has_ended_is_no_zombie_once_the_next_is_started() -> None:
    apart.detach(["true"], log=os.devnull)
    first = apart._detached[-1]
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    apart.detach(["true"], log=os.devnull)
    assert (first in apart._detached, Path(f"/proc/{first}").exists()) == (False, False)
