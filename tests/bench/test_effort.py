"""Samples: taken in turn, of processes that are ended whatever happens."""

from __future__ import annotations

import sys

import pytest

from bench.effort import Effort, Failed, Sample, cpus, environment, sample, walls


def test_samples_are_taken_in_turn_and_the_first_pair_is_not_counted() -> None:
    order: list[str] = []

    def side(name: str) -> str:
        order.append(name)
        return f"{name}{len(order)}"

    pairs = Effort().pairs(2, lambda: side("ours"), lambda: side("other"))
    assert pairs == [("ours3", "other4"), ("ours5", "other6")]


def test_a_quick_run_takes_two() -> None:
    assert Effort(quick=True).times(40) == 2


def test_a_quick_run_takes_no_more_than_a_usual_one() -> None:
    assert Effort(quick=True).times(1) == 1


def test_times_by_the_clock_and_of_the_processor_are_told_apart() -> None:
    pairs = [(Sample(1, 2, ""), Sample(3, 4, ""))]
    assert (walls(pairs), cpus(pairs)) == ([(1, 3)], [(2, 4)])


@pytest.mark.parametrize("name", ["FLEETCTL_ENDPOINT", "DEPLOYSTER_ENGINE", "PYTHONDONTWRITEBYTECODE"])
def test_nobodys_settings_reach_a_benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "theirs")
    assert name not in environment(FLEETCTL_TUNNEL="ours")


@pytest.mark.process
def test_a_sample_has_what_was_printed_and_how_long_it_took() -> None:
    found = sample((sys.executable, "-c", "import time; print('x'); time.sleep(0.2)"))
    assert found.out == "x\n"
    assert found.wall >= 200 > found.cpu > 0


@pytest.mark.process
def test_a_process_that_fails_is_told_of_in_its_own_words() -> None:
    with pytest.raises(Failed, match="ended with 3: no such thing"):
        sample(("/bin/sh", "-c", "echo no such thing >&2; exit 3"))


@pytest.mark.process
def test_a_process_that_hangs_is_ended() -> None:
    with pytest.raises(Failed, match=r"took more than 0\.2 s"):
        sample(("/bin/sleep", "60"), limit=0.2)
