"""Durations as people write them, ``90s``, ``5m``, ``1h30m``, and as they read them back."""

from __future__ import annotations

import re

from deployster_cli.domain.names import quoted
from deployster_cli.errors import InvalidInput

_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", re.ASCII)
_BARE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)

LONGEST = 7 * 24 * 3600.0

MINUTE, HOUR = 60, 3600

_SHOWN_IN_TENTHS = 0.95


def parse_duration(text: str) -> float:
    """Seconds in ``text`` (a bare number counts seconds); InvalidInput for anything else and for over a week."""
    match = _PARTS.fullmatch(text)
    if _BARE.fullmatch(text):
        seconds = float(text)
    elif match and any(match.groups()):
        hours, minutes, rest = match.groups(default="0")
        seconds = int(hours) * HOUR + int(minutes) * MINUTE + float(rest)
    else:
        raise InvalidInput(f"{quoted(text)} is no duration: write 90s, 5m or 1h30m.")
    if seconds > LONGEST:
        raise InvalidInput(f"{quoted(text)} is over a week; no wait here is that long.")
    return seconds


def format_duration(seconds: float) -> str:
    """``0.4s``, ``12s``, ``2m05s``, ``1h03m``: short, for a line on the screen."""
    if seconds < _SHOWN_IN_TENTHS:
        return f"{seconds:.1f}s"
    whole = max(1, int(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"
