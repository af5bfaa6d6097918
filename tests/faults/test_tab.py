"""The TAB key over a fleetctl that misbehaves: nothing is printed but names, and soon."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.faults.given import SHORT, Shell
from tests.faults.trials import MODES

pytestmark = pytest.mark.process


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in {"slow", "noisy"}])
def test_it_offers_nothing_says_nothing_and_leaves_nothing(
    shell: Shell, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_DEPLOYSTER_COMPLETE", "bash")
    monkeypatch.setenv("DEPLOYSTER_FLEET_READ_TIMEOUT", str(SHORT))
    shell.cluster.switch(mode)
    argv = [*shell.cluster.argv(""), "deployster logs carousel "]
    done = subprocess.run(argv, cwd=shell.cluster.project, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until = time.monotonic() + 20
    while shell.cluster.living() and time.monotonic() < until:
        time.sleep(0.1)
    assert shell.cluster.living() == []


def test_it_offers_the_versions_where_all_is_well(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_DEPLOYSTER_COMPLETE", "bash")
    argv = [*shell.cluster.argv(""), "deployster logs carousel "]
    for _ in range(50):  # the names of a slow listing are there at the next TAB
        done = subprocess.run(argv, cwd=shell.cluster.project, capture_output=True, text=True, timeout=60, check=True)
        if done.stdout:
            break
        time.sleep(0.2)
    assert done.stdout.startswith("plain\tv1\t")
