"""A wall clock that jumps while a rollout is under way, and marks of a time that has not come yet."""

from __future__ import annotations

import time
from typing import ClassVar

import pytest

from deployster_cli.domain.lock import LASTS, Note
from deployster_cli.domain.units.unitfile import hash_of, write_options
from deployster_cli.operations import clock
from tests.faults.given import FastClock, Shell
from tests.faults.trials import OLD, ROWS, Trial

pytestmark = pytest.mark.process

DAY = 86_400


class Jumping(FastClock):
    """The machine's clocks; the wall clock goes through ``JUMPS``, seconds, at every look at it."""

    JUMPS: tuple[int, ...] = ()
    looks: ClassVar = [0]

    def epoch(self) -> int:
        """The wall clock, where it has jumped to by now."""
        self.looks[0] += 1
        return super().epoch() + self.JUMPS[self.looks[0] % len(self.JUMPS)]

    def utc(self) -> str:
        """The same for a stamp."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.epoch()))


class Forward(Jumping):
    """It jumps ahead by a day again and again."""

    JUMPS = tuple(range(0, 1000 * DAY, DAY))


class Backward(Jumping):
    """It jumps back by a day again and again."""

    JUMPS = tuple(range(0, -1000 * DAY, -DAY))


class There(Jumping):
    """It jumps to and fro."""

    JUMPS = (0, DAY, -DAY, 3 * LASTS, -3 * LASTS)


@pytest.mark.parametrize("jumps", [Forward, Backward, There])
def test_a_deploy_goes_on_by_a_clock_that_does_not_jump(
    shell: Shell, jumps: type[Jumping], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SystemClock", jumps)
    trial = Trial(shell, ROWS["deploy"])
    done = trial.run("good")
    assert (trial.faults, done.code) == ([], 0), str(trial)


def from_the_future(shell: Shell, ahead: int) -> None:
    """Somebody else's lock, by whose clock it is that much later."""
    now = int(time.time()) + ahead
    note = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", now, doing="deploying v9")
    text = write_options(note.options())
    shell.cluster.put({"name": note.unit, "text": text, "hash": hash_of(text), "desired": "inactive", "since": 0})


def test_a_lock_from_the_future_is_somebodys_and_has_no_age_below_0(shell: Shell) -> None:
    from_the_future(shell, DAY)
    done = shell(ROWS["deploy"].line)
    assert (done.code, shell.cluster.launched) == (5, OLD)
    assert done.err.startswith("Error: carousel is locked by bob on ci (process 1) for 0s, deploying v9.\nWait for it")


def test_a_lock_from_the_future_can_be_taken_away(shell: Shell) -> None:
    from_the_future(shell, DAY)
    assert (
        shell("unlock carousel --yes").out
        == "Unlocked carousel; it was locked by bob on ci (process 1) for 0s, deploying v9.\n"
    )


class Ahead(FastClock):
    """A wall clock that is years ahead."""

    def utc(self) -> str:
        """The stamp of a deploy."""
        return "2099-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "line", ["history carousel", "units", "services", "check", "diff carousel v2", "rollback carousel -q"]
)
def test_a_release_that_was_deployed_in_the_future_is_shown_and_left_like_any_other(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    with monkeypatch.context() as later:
        later.setattr(clock, "SystemClock", Ahead)
        shell("deploy carousel v2 --destroy-previous --settle 0s -q")
    done = shell(line)
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
