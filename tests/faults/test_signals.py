"""Signals in the middle of a deploy: it ends, gives its lock back, and the same command goes on from there."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.given import Cluster, Shell
from tests.faults.trials import NEW, OLD, ROWS, Trial

pytestmark = pytest.mark.process

SLOWLY = "deploy carousel v2 --destroy-previous --settle 200s"
"""Ten of our seconds until the new instances count, and the old ones are retired."""

SOON = 60.0

Process = subprocess.Popen[bytes]


def begun(cluster: Cluster, stderr: int = subprocess.PIPE, **more: bool) -> Process:
    """A deploy that has started its units and waits for them."""
    argv = cluster.argv(SLOWLY)
    pipes = {"stdin": stderr if stderr >= 0 else subprocess.DEVNULL, "stdout": stderr, "stderr": stderr}
    process = subprocess.Popen(argv, cwd=cluster.project, **pipes, **more)  # type: ignore[call-overload]
    until = time.monotonic() + SOON
    while not any(call.startswith("start ") for call in cluster.calls):
        assert time.monotonic() < until, "it starts nothing"
        time.sleep(0.02)
    return process  # type: ignore[no-any-return]


def ended(process: Process, number: int) -> tuple[int, str]:
    """Exit code and stderr after a signal."""
    process.send_signal(number)
    _, err = process.communicate(timeout=SOON)
    return process.returncode, err.decode()


def locks(cluster: Cluster) -> list[str]:
    """The locks that are held."""
    return [name for name in cluster.units if "-lock-" in name]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_deploy_that_is_told_to_end_says_what_runs_and_gives_its_lock_back(shell: Shell, number: int) -> None:
    code, err = ended(begun(shell.cluster), number)
    assert (code, locks(shell.cluster), shell.cluster.living()) == (128 + number, [], [])
    assert "Interrupted. Started so far: carousel v2 @1 @2 @3; nothing was undone." in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_same_command_goes_on_from_there(shell: Shell, number: int) -> None:
    ended(begun(shell.cluster), number)
    trial = Trial(shell, ROWS["deploy"])
    assert shell.cluster.launched == OLD + NEW
    trial.again()
    assert trial.faults == []


def test_a_sigpipe_is_nothing_to_it(shell: Shell) -> None:
    assert (ended(begun(shell.cluster), signal.SIGPIPE)[0], shell.cluster.launched) == (0, NEW)


def test_nohup_is_heeded(shell: Shell) -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    shell.cluster.before = [sys.executable, "-c", ignoring]
    assert (ended(begun(shell.cluster), signal.SIGHUP)[0], shell.cluster.launched) == (0, NEW)


def test_a_terminal_that_is_closed_ends_it_and_leaves_no_lock(shell: Shell) -> None:
    ours, theirs = pty.openpty()
    on_a_terminal = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    shell.cluster.before = [sys.executable, "-c", on_a_terminal]
    process = begun(shell.cluster, theirs, start_new_session=True)
    os.close(theirs)
    os.close(ours)
    assert (process.wait(SOON), locks(shell.cluster)) == (129, [])
