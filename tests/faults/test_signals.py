"""Signals in the middle of a deploy: it ends, gives its lock back, and the same command goes on from there."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from deployster_cli.operations.undisturbed import HURRY
from tests.faults.given import Cluster, Shell
from tests.faults.trials import NEW, OLD, ROWS, Trial

pytestmark = pytest.mark.process

# Ten of our seconds until the new instances count, and the old ones are retired.
SLOWLY = "deploy carousel v2 --destroy-previous --settle 200s"

SOON = 60.0

ON_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)

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
    shell.cluster.before = [sys.executable, "-c", ON_A_TERMINAL]
    process = begun(shell.cluster, theirs, start_new_session=True)
    os.close(theirs)
    os.close(ours)
    assert (process.wait(SOON), locks(shell.cluster)) == (129, [])


LOCK = "deployster-lock-carousel.service"


def test_the_calls_that_give_the_lock_back_are_told_too(shell: Shell) -> None:
    done = shell("deploy carousel v2 --settle 0s -v")
    assert (done.code, locks(shell.cluster)) == (0, [])
    assert f"destroy {LOCK}  exit 0" in done.err


def awaited(cluster: Cluster, call: str, since: int) -> None:
    """Come to such a call on the lock, from the ``since``-th call on."""
    until = time.monotonic() + SOON
    while not any(line.startswith(call) and line.endswith(LOCK) for line in cluster.calls[since:]):
        assert time.monotonic() < until, f"it does not come to {call}"
        time.sleep(0.01)


def hit_again(process: Process, cluster: Cluster, hit: Callable[[], object]) -> tuple[int, str]:
    """How it ended that was hit for the first time just now, and once more at each call that gives the lock back."""
    since = len(cluster.calls)
    for call in ("cat", "destroy"):
        awaited(cluster, call, since)
        hit()
    _, err = process.communicate(timeout=SOON)
    return process.returncode, (err or b"").decode()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGINT),
        (signal.SIGHUP, signal.SIGTERM),
    ],
)
def test_a_second_signal_does_not_stop_the_giving_back_of_the_lock(shell: Shell, first: int, then: int) -> None:
    process = begun(shell.cluster)
    shell.cluster.switch("slow", ("cat", "destroy"))
    process.send_signal(first)
    code, err = hit_again(process, shell.cluster, lambda: process.send_signal(then))
    assert (code, locks(shell.cluster), shell.cluster.living()) == (128 + first, [], [])
    assert "could not be given back" not in err


def test_ctrl_c_again_and_again_on_a_terminal_reaches_no_fleetctl(shell: Shell) -> None:
    """There it goes to every process of the terminal's foreground group, and not only to us."""
    ours, theirs = pty.openpty()
    shell.cluster.before = [sys.executable, "-c", ON_A_TERMINAL]
    process = begun(shell.cluster, theirs, start_new_session=True)
    os.close(theirs)
    shell.cluster.switch("slow", ("cat", "destroy"))
    os.write(ours, b"\x03")
    code, _ = hit_again(process, shell.cluster, lambda: os.write(ours, b"\x03"))
    os.close(ours)
    assert (code, locks(shell.cluster), shell.cluster.living()) == (130, [], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_lock_that_is_being_taken_is_given_back_at_a_second_signal_too(shell: Shell, number: int) -> None:
    shell.cluster.switch("slow", ("cat", "destroy", "submit"))
    pipe = subprocess.PIPE
    process = subprocess.Popen(shell.cluster.argv(SLOWLY), cwd=shell.cluster.project, stdout=pipe, stderr=pipe)
    awaited(shell.cluster, "submit", 0)
    while LOCK not in shell.cluster.units:
        time.sleep(0.01)
    process.send_signal(number)
    code, _ = hit_again(process, shell.cluster, lambda: process.send_signal(number))
    assert (code, locks(shell.cluster), shell.cluster.launched) == (128 + number, [], OLD)


def test_an_engine_that_hangs_keeps_nobody_who_presses_ctrl_c_twice_and_what_is_left_is_said(shell: Shell) -> None:
    process = begun(shell.cluster)
    since = len(shell.cluster.calls)
    shell.cluster.switch("hang")
    process.send_signal(signal.SIGINT)
    awaited(shell.cluster, "cat hang", since)
    time.sleep(0.5)
    began = time.monotonic()
    code, err = ended(process, signal.SIGINT)
    assert (code, locks(shell.cluster), shell.cluster.living()) == (130, [LOCK], [])
    assert time.monotonic() - began < HURRY + 5
    assert "nothing was undone." in err
    assert "This run's lock on carousel could not be given back: it keeps other machines' runs out until" in err
    assert "or until deployster unlock carousel." in err
