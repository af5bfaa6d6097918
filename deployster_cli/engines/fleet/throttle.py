"""When fleet listens. Its daemons take no notice of what changes in the second after a change: fleet 1.0.0 sleeps that
long after each event before it watches again (``registry/event.go``), and then looks only every 5 s by itself. So a
request is made again within that second, so that it is heard early, and is done up to 4 s sooner.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

# Seconds after a change in the registry until the next one is heard; and until one that is heard is acted on.
DEAF = 1.05

# Seconds from one unit's change to the next one's within a call.
_EACH = 0.008

# Seconds for which a listing is as good as another one, if we have changed no unit since.
RECENT = 3.0


class Rhythm:
    """Knows of changes from what is listed and from our own calls. Others' are missed between two listings, which costs
    time and nothing else.
    """

    def __init__(self) -> None:
        self._listed: str | None = None
        self._listed_at = self._changed_at = self._deaf_since = -math.inf

    def listed(self, text: str) -> None:
        """Note a listing of the registry: another than the last one means that something was changed."""
        if self._listed is not None and self._listed != text:
            self.changed()
        self._listed, self._listed_at = text, time.monotonic()

    def changed(self, ago: float = 0.0, *, aside: bool = False) -> None:
        """Note a change that was made so many seconds ago. What changes while fleet is deaf makes it so no longer.

        ``aside``: of no unit that is to run.
        """
        at = time.monotonic() - ago
        if not aside:
            self._changed_at = at
        if at >= self._deaf_since + DEAF:
            self._deaf_since = at

    @property
    def as_listed(self) -> bool:
        """Whether the registry's units are still as they were listed last, for all that we know."""
        return self._listed_at >= self._changed_at and time.monotonic() - self._listed_at <= RECENT

    def wait(self) -> None:
        """Wait until fleet listens again, at most DEAF seconds, if it heard what we know of and nothing else."""
        _pause(self._deaf_since + DEAF - time.monotonic())

    def wait_a_turn(self) -> None:
        """Wait until fleet listens, if it was deaf a moment ago."""
        _pause(DEAF)


def again(units: int, took: float) -> Iterator[None]:
    """Come round when what was just asked for so many units, in a call that took so long, is to be asked again: half of
    those who were deaf to its first change hear it half a turn later, the others a turn later. A request for many units
    takes that long by itself.

    A call lists all units before it changes the first one. So it is made that much ahead; and not at all where it would
    come too late, as it does where there are a thousand: by then fleet had listened when it was asked first.

    Nothing is lost by the pauses: what was heard at first is acted on after a turn.
    """
    writing = units * _EACH
    lists = max(0.0, took - writing)
    turn = time.monotonic() - writing + DEAF
    for due in (turn - DEAF / 2 - lists, turn - lists):
        if time.monotonic() < due:
            _pause(due - time.monotonic())
            yield


def _pause(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)
