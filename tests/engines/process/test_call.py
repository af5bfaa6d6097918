"""Calls that hang, flood, crash and are given up on: real processes, each with its time limit."""

from __future__ import annotations

import gc
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.engines.process import NotStarted, Running, call, run
from tests.engines.process.scripts import gone, sh

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("error")]

MB = 1024 * 1024

# Seconds for which a call may go on after its time limit.
SLACK = 0.5


def peak() -> int:
    """Bytes of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def open_files() -> set[str]:
    """The numbers of this process's open files, the folder that is read for it among them."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


@pytest.fixture
def interrupted() -> Iterator[None]:
    """Ctrl-C in a moment."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_what_it_printed_and_how_it_ended() -> None:
    done = run(sh("echo out; echo err >&2; exit 3"), limit=5)
    assert (done.code, done.out, done.err, done.timed_out, done.flooded) == (3, "out\n", "err\n", False, False)


def test_a_signal_is_a_negative_code() -> None:
    assert run(sh("kill -TERM $$"), limit=5).code == -15


def test_a_program_that_is_not_there_is_not_started() -> None:
    with pytest.raises(NotStarted, match="No such file"):
        run(["/missing/program"], limit=5)


def test_its_standard_input_is_empty() -> None:
    assert run(["cat"], limit=5).code == 0


def test_it_reads_what_it_is_given_however_much_that_is() -> None:
    given = "äö\n" * MB
    assert run(["cat"], limit=60, given=given).out == given


def test_a_call_that_reads_nothing_of_what_it_is_given_ends_as_ever() -> None:
    assert run(["true"], limit=5, given="x" * MB).code == 0
    assert run(["sleep", "9"], limit=0.3, given="x" * MB).timed_out


# --- the time limit


@pytest.mark.parametrize(
    "script",
    [
        "sleep 60",
        "sleep 60 & wait",
        "exec >&- 2>&-; sleep 60",
        "setsid sleep 3",
        "while :; do echo x; sleep 0.01; done",
    ],
)
def test_a_call_that_goes_on_is_stopped_at_its_limit(script: str) -> None:
    done = run(sh(script), limit=0.5)
    assert done.timed_out
    assert 0.5 <= done.seconds < 0.5 + SLACK


def test_what_was_printed_before_the_limit_is_kept() -> None:
    done = run(sh("echo half; echo told >&2; sleep 60"), limit=0.3)
    assert (done.out, done.err) == ("half\n", "told\n")


def test_all_that_it_started_ends_with_it() -> None:
    done = run(sh("sleep 60 & echo $!; wait"), limit=0.3)
    assert gone(int(done.out))


def test_a_limit_that_has_passed_stops_at_once() -> None:
    assert run(sh("sleep 60"), limit=0).timed_out


# --- too much


@pytest.mark.parametrize("script", ["exec yes", "exec yes >&2", "yes & exec yes >&2", "setsid yes & exec yes"])
def test_endless_output_is_stopped_long_before_the_limit(script: str) -> None:
    done = run(sh(script), limit=20)
    assert (done.code, done.flooded, done.timed_out) == (None, True, False)


def test_endless_output_takes_little_memory_and_keeps_the_limit() -> None:
    before, began = peak(), time.monotonic()
    run(["yes"], limit=2)
    assert time.monotonic() - began < 2 + SLACK
    assert peak() - before < 400 * MB


def test_of_too_much_the_beginning_is_kept() -> None:
    done = run(["yes"], limit=20)
    assert done.out.startswith("y\ny\n")
    assert len(done.out) < MB


@pytest.mark.parametrize(("more", "flooded"), [(0, False), (1, True)])
def test_the_most_it_may_print_is_exact(monkeypatch: pytest.MonkeyPatch, more: int, flooded: bool) -> None:
    monkeypatch.setattr(call, "MOST_PRINTED", MB)
    done = run(sh(f"head -c {MB // 2} /dev/zero; head -c {MB // 2 + more} /dev/zero >&2"), limit=10)
    assert (done.flooded, done.code) == (flooded, None if flooded else 0)


# --- several, and giving up


def test_two_run_side_by_side() -> None:
    began = time.monotonic()
    both = [Running(sh("sleep 0.5; echo done"), limit=10) for _ in range(2)]
    assert [running.wait().out for running in both] == ["done\n", "done\n"]
    assert time.monotonic() - began < 0.9


def test_two_that_print_pipe_fulls_are_both_read_whole() -> None:
    both = [Running(["head", "-c", str(8 * MB), "/dev/zero"], limit=10) for _ in range(2)]
    assert [len(running.wait().out) for running in both] == [8 * MB, 8 * MB]


def test_one_that_had_ended_when_the_other_ran_into_its_limit_is_read() -> None:
    slow, quick = Running(sh("sleep 60"), limit=0.5), Running(sh("echo done"), limit=0.5)
    assert slow.wait().timed_out
    assert quick.wait().code == 0


@pytest.mark.parametrize("script", ["sleep 60", "true", "yes"])
def test_one_that_is_given_up_leaves_neither_process_nor_pipe(script: str) -> None:
    running = Running(sh(f"echo $$; {script}"), limit=60)
    time.sleep(0.1)
    before = len(open_files())
    running.kill()
    assert len(open_files()) == before - 2


def test_one_that_was_waited_for_may_be_killed_after_all() -> None:
    running = Running(["true"], limit=5)
    done = running.wait()
    running.kill()
    assert done.code == 0


@pytest.mark.usefixtures("interrupted")
@pytest.mark.parametrize("script", ["sleep 60", "while :; do echo x; done"])
def test_an_interrupt_ends_the_process_and_closes_its_pipes(script: str, tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        run(sh(f"echo $$ >{tmp_path}/pid; {script}"), limit=60)
    gc.collect()  # an open pipe would warn here
    assert gone(int((tmp_path / "pid").read_text()))
    assert open_files() <= before


def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    run(["yes"], limit=0.3)
    assert set(threading.enumerate()) <= before
