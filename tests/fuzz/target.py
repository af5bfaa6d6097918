"""What a fuzz target is: bytes in, and nothing out but whether the parser took them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Target:
    """``run`` parses bytes: True where they were taken and everything about what came out is exact, False where they
    were refused with an error of ours. Anything else is a failure. ``seeds`` are taken; ``words`` are the parser's own.
    """

    run: Callable[[bytes], bool]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


def read(parse: Callable[[], T], *refusals: type[Exception]) -> T | None:
    """What ``parse`` gives; None where it refuses by one of these errors."""
    try:
        return parse()
    except refusals as error:
        message = str(error)
        assert message, "a refusal says why"
        return None


def recorded(folder: str, field: str) -> tuple[bytes, ...]:
    """What the programs really printed, out of the recorded calls."""
    cases = (json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / folder).glob("*.json")))
    return tuple(dict.fromkeys(case[field].encode() for case in cases if case.get(field)))
