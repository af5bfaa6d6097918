"""Times as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

from deployster_cli.domain.durations import HOUR, MINUTE
from deployster_cli.domain.wording import count

_DAY = 24 * HOUR
_DAYS = 30


def ago(stamp: str, now: float) -> str:
    """How long before ``now`` (seconds since 1970) an RFC 3339 stamp was; beyond a month its day.

    The stamp itself where it can't be read or lies ahead: the clocks of two machines may differ.
    """
    try:
        then = datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return stamp
    seconds = int(now - then.timestamp())
    if seconds < -MINUTE:
        return stamp
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{count(seconds // MINUTE, 'minute')} ago"
    if seconds < _DAY:
        return f"{count(seconds // HOUR, 'hour')} ago"
    return f"{count(seconds // _DAY, 'day')} ago" if seconds < _DAYS * _DAY else f"{then:%Y-%m-%d}"
