"""Times of deploys as they are stamped: RFC 3339 in UTC to the second, so that sorting their texts sorts them.

Which release is the newest is decided by its stamp, and stamps come from laptops whose clocks differ. So a new one
is made later than all that the service has, whatever the clock says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOMENT = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)Z", re.ASCII)

_FEBRUARY = 2

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_LAST_YEAR = 9999


def is_moment(text: str) -> bool:
    """Whether this is a time as we write it."""
    return _MOMENT.fullmatch(text) is not None


def latest(times: Iterable[str]) -> str:
    """Return the last of these times; empty where none of them is one."""
    return max(filter(is_moment, times), default="")


def after(now: str, times: Iterable[str]) -> str:
    """``now``, or a second after the last of ``times`` where ``now`` is not later than that already."""
    last = latest(times)
    return now if now > last else next_second(last)


def next_second(at: str) -> str:
    """Return the second after this one. The last second of the year 9999 has none, and is its own."""
    found = _MOMENT.fullmatch(at)
    if found is None:
        raise ValueError(at)
    year, month, day, hour, minute, second = map(int, found.groups())
    carry, second = divmod(second + 1, 60)
    carry, minute = divmod(minute + carry, 60)
    carry, hour = divmod(hour + carry, 24)
    day += carry
    if day > _days(year, month):
        day, month = 1, month + 1
    if month > len(_DAYS):
        month, year = 1, year + 1
    if year > _LAST_YEAR:
        return at
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] + (month == _FEBRUARY and leap)
