"""Being told of the calls that engines make."""

from __future__ import annotations

import pytest

from deployster_cli.engines.process import Completed, NotStarted, Running, Stream, attach, follow, observed, run

pytestmark = pytest.mark.process


def sh(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


@pytest.fixture
def told() -> list[Completed]:
    return []


def test_a_call_is_told_with_its_argv_code_and_seconds(told: list[Completed]) -> None:
    with observed(told.append):
        done = run(sh("sleep 0.1; exit 3"), limit=5)
    assert told == [done]
    assert (done.code, done.seconds >= 0.1) == (3, True)


def test_calls_side_by_side_are_each_told(told: list[Completed]) -> None:
    with observed(told.append):
        for running in [Running(sh(f"exit {code}"), limit=5) for code in (1, 2)]:
            running.wait()
    assert [done.code for done in told] == [1, 2]


def test_a_call_that_was_stopped_has_no_code(told: list[Completed]) -> None:
    with observed(told.append):
        run(sh("sleep 60"), limit=0.2)
    assert [done.code for done in told] == [None]


def test_a_stream_and_a_program_on_the_terminal_are_told_at_their_ends(told: list[Completed]) -> None:
    with observed(told.append):
        list(Stream(sh("echo a; exit 2")))
        attach(sh("exit 4"))
    assert [done.code for done in told] == [2, 4]


def test_a_stream_that_is_closed_is_told_once(told: list[Completed]) -> None:
    with observed(told.append):
        stream = Stream(sh("echo a; sleep 60"))
        next(iter(stream))
        stream.close()
        stream.close()
    assert len(told) == 1


def test_a_line_of_the_users_own_is_not_told(told: list[Completed]) -> None:
    with observed(told.append):
        follow(sh("echo a"), lambda _: None, limit=5)
    assert told == []


def test_what_could_not_be_started_is_no_call(told: list[Completed]) -> None:
    with observed(told.append), pytest.raises(NotStarted):
        run(["/missing/program"], limit=5)
    assert told == []


def test_afterwards_nobody_is_told(told: list[Completed]) -> None:
    with observed(told.append):
        pass
    run(["true"], limit=5)
    assert told == []
