"""Times of deploys: a new one is later than all before it, whatever the clocks say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.moments import after, is_moment, latest, next_second

FORM = "%Y-%m-%dT%H:%M:%SZ"

START = datetime(1970, 1, 1, tzinfo=UTC)

seconds = st.integers(0, 253_000_000_000).map(lambda since: START + timedelta(seconds=since))


def text(at: datetime) -> str:
    return at.strftime(FORM)


@given(seconds)
def test_the_next_second_is_one_second_later(at: datetime) -> None:
    assert next_second(text(at)) == text(at + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("at", "behind"),
    [
        ("2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"),
        ("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
        ("2027-02-28T23:59:59Z", "2027-03-01T00:00:00Z"),
        ("2028-02-28T23:59:59Z", "2028-02-29T00:00:00Z"),
        ("2100-02-28T23:59:59Z", "2100-03-01T00:00:00Z"),
        ("2000-02-28T23:59:59Z", "2000-02-29T00:00:00Z"),
        ("2026-11-30T08:29:59Z", "2026-11-30T08:30:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_it_carries_over(at: str, behind: str) -> None:
    assert next_second(at) == behind


def test_of_what_is_no_time_there_is_no_next_second() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        next_second("yesterday")


@pytest.mark.parametrize(
    "other",
    ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+00:00", "2026-01-01"],
)
def test_a_time_in_another_form_is_none(other: str) -> None:
    assert not is_moment(other)
    assert latest([other, "2026-01-01T00:00:00Z", other]) == "2026-01-01T00:00:00Z"


def test_none_of_none_is_the_latest() -> None:
    assert latest(["soon"]) == ""


def test_a_clock_that_is_ahead_of_all_stamps_is_taken_as_it_is() -> None:
    assert after("2026-01-02T00:00:00Z", ["2026-01-01T00:00:00Z", ""]) == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize("now", ["2026-01-01T09:00:00Z", "2026-01-01T08:00:00Z"])
def test_a_clock_that_is_not_gives_the_second_after_the_last_stamp(now: str) -> None:
    assert after(now, ["2026-01-01T08:59:00Z", "2026-01-01T09:00:00Z"]) == "2026-01-01T09:00:01Z"


@given(seconds, st.lists(seconds))
def test_a_new_time_is_later_than_all_and_never_earlier_than_now(now: datetime, before: list[datetime]) -> None:
    made = after(text(now), map(text, before))
    assert is_moment(made)
    assert made >= text(now)
    assert all(made > text(at) for at in before)
