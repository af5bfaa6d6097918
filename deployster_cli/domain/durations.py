"""Durations as people and unit files write them, ``90s``, ``5m``, ``1h30m``, and as people read them back."""

from __future__ import annotations

import re

from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import InvalidInput

LONGEST = 7 * 24 * 3600.0

MINUTE, HOUR = 60, 3600

_UNIT_NAMES = {
    1e-6: "us usec µs μs",
    1e-3: "ms msec",
    1: "s sec second seconds",
    MINUTE: "m min minute minutes",
    HOUR: "h hr hour hours",
    24 * HOUR: "d day days",
    7 * 24 * HOUR: "w week weeks",
    730.5 * HOUR: "M month months",
    8766 * HOUR: "y year years",
}
_UNITS = {name: seconds for seconds, names in _UNIT_NAMES.items() for name in names.split()}

_NUMBER = r"(\+?\d+(?:\.\d*)?|\.\d+)"
_UNIT = rf"\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})"
_SPAN_PART = rf"{_NUMBER}(?:{_UNIT})?"

# Patterns as text: they are compiled only where a time is read.
_SPAN = rf"\s*(?:{_NUMBER}(?:{_UNIT}\s*|\s+|\Z))+"

_SHOWN_IN_TENTHS = 0.95


def parse_duration(text: str) -> float:
    """Seconds in a time span; InvalidInput for anything else and for over a week."""
    seconds = parse_span(text)
    if seconds is None:
        raise InvalidInput(f"{quoted(text)} is not a duration (90s, 5m, 1h30m).")
    if seconds > LONGEST:
        raise InvalidInput(f"{quoted(text)} is over a week; no wait here is that long.")
    return seconds


def parse_span(text: str) -> float | None:
    """Seconds in a time span as systemd.time(7) has it: ``90``, ``1h30m``, ``500ms``, ``1min 30s``, ``infinity``.

    None for anything else: of one in a unit file systemd then goes by its default.
    """
    if text.strip() == "infinity":
        return float("inf")
    if not re.fullmatch(_SPAN, text, re.ASCII):
        return None
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in re.findall(_SPAN_PART, text, re.ASCII))


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
