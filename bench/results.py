"""What a benchmark finds: a figure of ours and its rival's, each the median of several runs. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# How many digits of a figure tell anything: runs differ by more.
_DIGITS = 3


class Missing(Exception):
    """A program or a cluster that a benchmark needs is not here: it is skipped, and this is said of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What has to hold: the ratio (or with ``own`` our own figure) is at most, or at least, the limit."""

    limit: float
    own: bool = False
    at_least: bool = False

    def met(self, ratio: float, ours: float) -> bool:
        """Whether it holds."""
        value = ours if self.own else ratio
        return value >= self.limit if self.at_least else value <= self.limit

    def told(self, unit: str) -> str:
        """``<= 1.25`` of a ratio, ``>= 1,500 /s`` of a figure of our own."""
        sign = ">=" if self.at_least else "<="
        return f"{sign} {figure(self.limit, unit)}" if self.own else f"{sign} {self.limit:.2f}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row: what was measured, beside what, in which unit, and the runs of both, which were made in turn."""

    name: str
    rival: str
    unit: str
    ours: Sequence[float]
    others: Sequence[float]
    target: Target | None = None

    @property
    def ratio(self) -> float:
        """Our median as a multiple of the rival's; infinite where the rival's is nothing."""
        beside = median(self.others)
        return median(self.ours) / beside if beside else math.inf

    @property
    def met(self) -> str:
        """``yes`` or ``NO``, empty where there is no target."""
        if self.target is None:
            return ""
        return "yes" if self.target.met(self.ratio, median(self.ours)) else "NO"


def compared(
    name: str, rival: str, unit: str, pairs: Sequence[tuple[float, float]], target: Target | None = None
) -> Comparison:
    """The row for pairs of (ours, the rival's)."""
    return Comparison(name, rival, unit, [ours for ours, _ in pairs], [other for _, other in pairs], target)


def figure(value: float, unit: str) -> str:
    """A figure with as many digits as tell anything: ``84.2 ms``, ``1,812 /s``."""
    whole = math.floor(math.log10(abs(value))) + 1 if value else 1
    text = f"{value:,.{max(0, _DIGITS - max(whole, 1))}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}".rstrip()
