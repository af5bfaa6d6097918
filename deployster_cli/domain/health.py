"""What the health gate of a unit writes into its journal (templates/_health.j2), in words for people."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from deployster_cli.domain.units.names import printable

_LINE = re.compile(
    r"(waiting for|not healthy:|ended before it was healthy:) (.+?): (.*?)(?: \((\d{1,6}) of \d{1,6} tries\))?"
)
_STARTS = re.compile("waiting for |not healthy: |ended before it was healthy: ")
_STATUS = re.compile(r"([1-9]\d\d)\s*(\S*)\s*")

# Characters of an answer that are shown: where a redirect leads to may be long.
_LONGEST = 200

_ELSEWHERE = "at 127.0.0.1 alone"

# What curl's exit codes and Python's errors are called: a pattern of what the gate wrote → the words.
_NO_ANSWER = (
    (r"curl exit 7\b|ConnectionRefused", "refused"),
    (r"curl exit 28\b|[Tt]ime", "no answer within 5 s"),
    (r"curl exit 5[26]\b|Disconnected|ConnectionReset|BadStatusLine", "connection closed without an answer"),
)


class Answer(NamedTuple):
    """What a gate got last: ``what`` was asked (a path), what it ``got``, and how many ``times`` in a row, or None.

    ``over`` says that the gate has given up: the service never got healthy.
    """

    what: str
    got: str
    times: int | None = None
    over: bool = False

    @property
    def waits(self) -> str:
        """``waiting for /up: 404``, while it goes on."""
        return f"waiting for {self.what}: {self.got}"

    @property
    def told(self) -> str:
        """``/up answered 404 (12 times)``, as the reason why it failed."""
        answered = " answered" if _STATUS.match(self.got) else ":"
        times = "" if self.times is None else f" ({self.times} time{'s' if self.times > 1 else ''})"
        return f"{self.what}{answered} {self.got}{times}"


def answer(lines: Iterable[str]) -> Answer | None:
    """Return the last answer that a unit's journal lines (with or without time and program in front) tell of; None
    where none does.
    """
    found: Answer | None = None
    for line in lines:
        begins = _STARTS.search(line)
        read = _LINE.fullmatch(line, begins.start()) if begins else None
        if read:
            times = int(read[4]) if read[4] else None
            found = Answer(printable(read[2]), _words(printable(read[3])), times, over=read[1] == "not healthy:")
    return found


def _words(got: str) -> str:
    """Return what was got, as a person calls it."""
    status = _STATUS.fullmatch(got)
    if status:
        return f"{status[1]} to {status[2]}"[:_LONGEST] if status[2] and status[1].startswith("3") else status[1]
    for pattern, words in _NO_ANSWER if got.startswith("000") else ():
        if re.search(pattern, got):
            return words + (_HINT if _ELSEWHERE in got else "")
    return got.removeprefix("000").strip(" ()")[:_LONGEST] or "no answer"


_HINT = " on 127.0.0.1, and another address has that port: have the service listen on 127.0.0.1 or 0.0.0.0"
