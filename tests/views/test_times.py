"""Times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployster_cli.views.text import ago

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("stamp", "said"),
    [
        ("2026-11-23T11:59:30Z", "just now"),
        ("2026-11-23T12:00:20Z", "just now"),
        ("2026-11-23T11:59:00Z", "1 minute ago"),
        ("2026-11-23T11:01:00Z", "59 minutes ago"),
        ("2026-11-23T10:00:00Z", "2 hours ago"),
        ("2026-11-22T12:00:00Z", "1 day ago"),
        ("2026-10-25T12:00:00Z", "29 days ago"),
        ("2026-10-20T12:00:00Z", "2026-10-20"),
        ("2026-11-23T13:00:00Z", "2026-11-23T13:00:00Z"),
        ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-23:59"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        ("-", "-"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_stamp_is_told_by_how_long_ago_it_was(stamp: str, said: str) -> None:
    assert ago(stamp, NOW) == said
