"""A try: what is done to the server, what a good one does, and what this one did."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.prying.target import Target


@dataclass(frozen=True)
class Try:
    """``expected`` is a regular expression for the whole of what ``run`` saw."""

    name: str
    expected: str
    run: Callable[[Target], str]


@dataclass(frozen=True)
class Tried:
    """A try that was made."""

    name: str
    expected: str
    seen: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it went as it should."""
        return re.fullmatch(self.expected, self.seen) is not None


def made(one: Try, target: Target) -> Tried:
    """Make it. What it can't stand itself is what was seen."""
    began = time.monotonic()
    try:
        seen = one.run(target)
    except OSError as error:
        seen = f"{type(error).__name__}: {error}"
    return Tried(one.name, one.expected, seen, time.monotonic() - began)
