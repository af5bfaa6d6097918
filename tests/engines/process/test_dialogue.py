"""A program that is asked several things, one after another."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployster_cli.engines.process import MOST_PRINTED, Dialogue, NotStarted, observed
from deployster_cli.engines.process.call import Completed
from tests.engines.process.scripts import gone, sh

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("error")]

END = "echo over; echo over >&2\n"


def over(out: bytes, err: bytes) -> bool:
    return out.endswith(b"over\n") and err.endswith(b"over\n")


def ask(shell: Dialogue, line: str, limit: float = 10) -> Completed:
    return shell.ask(f"{line}\n{END}", over, limit=limit, argv=["sh", line])


def test_each_answer_is_of_its_question() -> None:
    shell = Dialogue(["sh"])
    first, second = ask(shell, "echo $$; echo one >&2"), ask(shell, "echo $$; echo two >&2")
    assert (first.out, first.err, first.code) == (second.out, "one\nover\n", 0)
    assert (second.err, second.argv, shell.alive) == ("two\nover\n", ("sh", "echo $$; echo two >&2"), True)
    shell.close()
    assert gone(int(first.out.split()[0]))
    assert not shell.alive


def test_both_streams_are_waited_for() -> None:
    shell = Dialogue(["sh"])
    done = shell.ask("echo over; sleep 0.3; echo late >&2; echo over >&2\n", over, limit=10, argv=["sh"])
    assert (done.out, done.err) == ("over\n", "late\nover\n")
    shell.close()


def test_more_than_pipes_hold_goes_both_ways() -> None:
    shell, much = Dialogue(["sh"]), "x" * 300_000
    assert ask(shell, f"printf '%s\\n' {much}").out == f"{much}\nover\n"
    shell.close()


def test_one_that_ends_instead_says_how() -> None:
    shell = Dialogue(["sh"])
    done = ask(shell, "echo half; echo why >&2; exit 3")
    assert (done.code, done.out, done.err, shell.alive) == (3, "half\n", "why\n", False)


def test_one_that_reads_nothing_is_ended_at_the_limit() -> None:
    asleep = Dialogue(["sleep", "60"])
    done = asleep.ask("x" * 300_000, over, limit=0.3, argv=["sleep"])
    assert (done.timed_out, asleep.alive) == (True, False)


def test_one_that_closes_its_output_is_ended_at_the_limit() -> None:
    assert ask(Dialogue(["sh"]), "exec >&- 2>&-; sleep 60", limit=0.3).timed_out


def test_one_that_prints_too_much_is_stopped() -> None:
    done = ask(Dialogue(["sh"]), f"head -c {MOST_PRINTED + 1} /dev/zero; sleep 60")
    assert (done.flooded, done.timed_out, len(done.out)) == (True, False, 65_536)


def test_who_is_interrupted_leaves_nothing_that_answers_later() -> None:
    shell = Dialogue(sh("exec sh"))

    def interrupted(out: bytes, _: bytes) -> bool:
        if out:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        shell.ask("echo $$; sleep 60\n", interrupted, limit=10, argv=["sh"])
    assert not shell.alive


def test_what_can_not_be_run_is_said() -> None:
    with pytest.raises(NotStarted, match="No such file"):
        Dialogue(["/no/such/program"])


def test_calls_are_observed_and_no_file_stays_open() -> None:
    before, seen = len(list(Path("/proc/self/fd").iterdir())), list[Completed]()
    with observed(seen.append):
        shell = Dialogue(["sh"])
        ask(shell, "true")
        shell.close()
    assert [one.argv for one in seen] == [("sh", "true")]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
