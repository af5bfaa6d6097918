"""Doing what has to be done although somebody presses Ctrl-C again and again."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable

# Seconds that it may still take from the first signal on.
HURRY = 5.0


def undisturbed(work: Callable[[], bool]) -> bool:
    """Return what ``work`` comes to; False where it has not come to an end HURRY seconds after a signal.

    It runs in a thread of its own: signals, and what they raise, only ever reach the main one, which waits for it here.
    """
    done, outcome, fault = threading.Event(), [False], list[BaseException]()

    def run() -> None:
        try:
            outcome[0] = work()
        except BaseException as error:
            fault.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="undisturbed", daemon=True)
    _waited_for(thread, done)
    if fault:
        raise fault[0]
    return done.is_set() and outcome[0]


def _waited_for(thread: threading.Thread, done: threading.Event) -> None:
    """Start it and wait for its end, or until the first signal was HURRY seconds ago."""
    until = float("inf")
    begun = False
    while not done.is_set() and time.monotonic() < until:
        try:
            if not begun:
                begun = True
                thread.start()
            done.wait(None if until == float("inf") else until - time.monotonic())
        except KeyboardInterrupt:
            until = min(until, time.monotonic() + HURRY)
