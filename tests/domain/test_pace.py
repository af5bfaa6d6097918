"""When to look next: soon after a request, then less and less often, and never more than a busy engine can take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.rollout.tracking import SELDOM, next_look

SOON = 0.25

seconds = st.floats(0, 1000)


def test_right_after_a_request_the_next_look_comes_soon() -> None:
    assert next_look(0, 0.05, SOON) == SOON


def test_the_longer_it_takes_the_longer_is_the_pause() -> None:
    assert (next_look(4, 0.05, SOON), next_look(6, 0.05, SOON)) == (0.5, 0.75)


def test_a_long_wait_is_looked_at_once_a_second() -> None:
    assert next_look(300, 0.05, SOON) == SELDOM


def test_a_busy_engine_is_left_alone_four_times_as_long_as_it_took_to_answer() -> None:
    assert next_look(0, 0.2, SOON) == 0.8


def test_an_engine_that_hangs_is_looked_at_once_a_second() -> None:
    assert next_look(0, 15, SOON) == SELDOM


@given(seconds, seconds)
def test_no_pause_is_shorter_or_longer_than_these(waited: float, took: float) -> None:
    assert SOON <= next_look(waited, took, SOON) <= SELDOM


def test_a_look_that_may_be_the_last_one_comes_in_time() -> None:
    assert 0.3 < next_look(8, 0.1, SOON, due=0.3) < 0.32
    assert 0 < next_look(8, 0.1, SOON, due=0) < 0.02


@given(seconds, seconds, st.none() | st.floats(-10, -0.001) | st.floats(2, 100))
def test_what_is_over_or_far_away_changes_nothing(waited: float, took: float, due: float | None) -> None:
    assert next_look(waited, took, SOON, due) == next_look(waited, took, SOON)
