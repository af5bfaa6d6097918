"""Telling streams that something is new, from any thread; each then reads for itself, at its own pace.

A stream that waits costs one asyncio.Event: no thread, no timer of ours, no look at the store. What it has not
fetched yet is a set of names, not a queue, so a slow reader holds up nothing and fills nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence

# The topic of whoever wants to hear of every job.
EVERYTHING = ""

# Names a listener may be behind; the oldest are dropped beyond it.
_MOST_PENDING = 1000


class Listener:
    """One reader in an event loop. Hears of everything that is told after it was made."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._pending: dict[str, None] = {}
        self._something = asyncio.Event()

    def hear(self, name: str) -> None:
        """Something about ``name`` is new. For the loop's thread."""
        self._pending.pop(name, None)
        self._pending[name] = None
        if len(self._pending) > _MOST_PENDING:
            del self._pending[next(iter(self._pending))]
        self._something.set()

    async def news(self, patience: float | None = None) -> list[str]:
        """Return what there is news of since the last call, waited for; nothing where none came in ``patience``
        seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._something.wait()
        self._something.clear()
        found = list(self._pending)
        self._pending.clear()
        return found


class Notifier:
    """Who listens to which topic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: dict[str, set[Listener]] = {}

    @contextlib.contextmanager
    def listening(self, topic: str = EVERYTHING) -> Iterator[Listener]:
        """Give a listener to one topic while this is open. Listen first, then read: so nothing is missed."""
        listener = Listener()
        with self._lock:
            self._topics.setdefault(topic, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._topics[topic].discard(listener)
                if not self._topics[topic]:
                    del self._topics[topic]

    def tell(self, topic: str, name: str) -> None:
        """All listeners to the topic hear the name: one call into each loop, however many they are."""
        with self._lock:
            listeners = list(self._topics.get(topic, ()))
        for loop in {listener.loop for listener in listeners}:
            with contextlib.suppress(RuntimeError):  # that loop has ended
                loop.call_soon_threadsafe(_hear, [one for one in listeners if one.loop is loop], name)


def _hear(listeners: Sequence[Listener], name: str) -> None:
    for listener in listeners:
        listener.hear(name)
