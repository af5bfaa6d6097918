"""Output as it comes, from processes that go on."""

from __future__ import annotations

import threading
import time

import pytest

from deployster_cli.engines.process import Stream
from tests.engines.process.scripts import gone, sh

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("error")]


def test_a_stream_gives_what_is_printed_on_stdout_alone() -> None:
    assert b"".join(Stream(sh("echo one; echo two >&2; printf three"))) == b"one\nthree"


def test_a_stream_reads_what_it_is_given() -> None:
    assert b"".join(Stream(["cat"], given="one\n")) == b"one\n"
    assert b"".join(Stream(["true"], given="one\n")) == b""


def test_a_stream_that_ended_says_how() -> None:
    stream = Stream(sh("echo why >&2; exit 3"))
    list(stream)
    assert (stream.completed().code, stream.completed().err, stream.closed) == (3, "why\n", False)


def test_a_stream_is_ended_at_its_limit() -> None:
    stream = Stream(["sleep", "60"], limit=0.3)
    list(stream)
    assert stream.completed().timed_out


def test_one_that_goes_on_printing_is_not_ended_at_its_limit() -> None:
    stream = Stream(sh("for n in 1 2 3 4 5; do echo $n; sleep 0.3; done"), limit=1.0)
    assert (b"".join(stream), stream.completed().code) == (b"1\n2\n3\n4\n5\n", 0)


def test_one_that_is_read_slowly_is_not_ended_at_its_limit() -> None:
    stream = Stream(sh("seq 60000"), limit=0.4)
    found = b""
    for number, piece in enumerate(stream):
        found += piece
        time.sleep(0.6 if number < 2 else 0)
    assert (found.count(b"\n"), stream.completed().code) == (60_000, 0)


def test_a_stream_that_is_no_longer_listened_to_ends_its_process() -> None:
    pieces = iter(Stream(sh("echo $$; sleep 60")))
    pid = int(next(pieces))
    pieces.close()
    assert gone(pid)


@pytest.mark.parametrize("script", ["sleep 60", "exec yes", "setsid sleep 2"])
def test_a_stream_that_another_thread_closes_ends_at_once(script: str) -> None:
    stream = Stream(sh(f"echo $$; {script}"))
    pieces = iter(stream)
    next(pieces)
    threading.Timer(0.2, stream.close).start()
    began = time.monotonic()
    for _ in pieces:
        pass
    assert time.monotonic() - began < 1.5


def test_a_stream_that_is_closed_is_no_failed_one() -> None:
    stream = Stream(["sleep", "60"])
    stream.close()
    assert (list(stream), stream.closed) == ([], True)
