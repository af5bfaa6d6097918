"""Durations as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.durations import format_duration, parse_duration, parse_span
from deployster_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1h2m3s", 3723), ("0s", 0), ("2.5s", 2.5), ("45", 45), ("5 min", 300)],
)
def test_a_duration_reads_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-5s", "٣s", "1e9", "nan", "s"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["200h", "9" * 400 + "h1m", "infinity", "9" * 5000 + "m", "9" * 5000])
def test_more_than_a_week_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="over a week"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4s"), (0.97, "1s"), (12.9, "12s"), (125, "2m05s"), (3780, "1h03m"), (60, "1m00s")]
)
def test_a_duration_is_shown_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        ("100ms", 0.1),
        ("1min 30s", 90),
        ("1min30", 90),
        ("2 h", 7200),
        ("1d", 86400),
        (".5", 0.5),
        ("5 us", 5e-6),
        ("+5", 5),
        ("1month", 2629800),
        ("1M 1m", 2629860),
        ("2years", 63115200),
    ],
)
def test_a_span_of_a_unit_file_reads_as_seconds(text: str, seconds: float) -> None:
    assert parse_span(text) == pytest.approx(seconds)


def test_a_span_without_end_is_endless() -> None:
    assert parse_span("infinity") == float("inf")


@pytest.mark.parametrize("text", ["", "soon", "-1", "1 fortnight", "1" * 60 + "x"])
def test_what_is_no_span_is_none(text: str) -> None:
    assert parse_span(text) is None


@given(st.text(max_size=12))
def test_any_text_is_either_seconds_or_refused(text: str) -> None:
    try:
        assert 0 <= parse_duration(text) <= 7 * 24 * 3600
    except InvalidInput as error:
        assert error.exit_code == 2
