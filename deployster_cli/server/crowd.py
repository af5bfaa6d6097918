"""How many connections there are at a time, and who makes room where there are too many.

Whoever has no login under way can be sent away: a stranger who opens connections by the thousand only sends their own
away. Where everybody inside has one, who comes is told to come again.
"""

from __future__ import annotations

import resource
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from deployster_cli.server.guard import OPEN
from deployster_cli.server.problems import unavailable

MOST_CONNECTIONS = 1500
"""Connections that are served at a time. An open stream is one."""

MOST_OUTSIDE = 100
"""Connections beyond those, which are told to come again."""

SPARE_FILES = 500
"""Open files left for all else: the connections outside, the calls of the engine, the jobs."""

OUTSIDE = "deployster.outside"
"""Set in the scope of a request that came on a connection for which there was no place."""


class Guest(Protocol):
    """One connection."""

    @property
    def let_in(self) -> bool:
        """Whether a request with the login is under way on it."""

    def cut_off(self) -> None:
        """End it now."""


class Crowd:
    """The connections there are, in the order in which they came. For the event loop's thread."""

    def __init__(self, most: int = MOST_CONNECTIONS, outside: int = MOST_OUTSIDE) -> None:
        self._most = most
        self._most_outside = outside
        self._inside: dict[Guest, None] = {}
        self._outside: dict[Guest, None] = {}

    def enter(self, guest: Guest) -> bool:
        """Whether there is a place for one more: that of the first without a login where all are taken."""
        if len(self._inside) < self._most or self._made_room():
            self._inside[guest] = None
            return True
        if len(self._outside) >= self._most_outside:
            self._send_away(next(iter(self._outside)))
        self._outside[guest] = None
        return False

    def leave(self, guest: Guest) -> None:
        """It has ended, or becomes another."""
        self._inside.pop(guest, None)
        self._outside.pop(guest, None)

    def _made_room(self) -> bool:
        stranger = next((guest for guest in self._inside if not guest.let_in), None)
        if stranger is not None:
            self._send_away(stranger)
        return stranger is not None

    def _send_away(self, guest: Guest) -> None:
        self.leave(guest)
        guest.cut_off()


def room() -> int:
    """How many connections the process has files for, at most MOST_CONNECTIONS; raises its limit as far as need be."""
    wanted = MOST_CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
    return max(may - SPARE_FILES, may // 2)


class Full:
    """Answers 503 to who came on a connection for which there was no place; /healthz is answered all the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, or refuse."""
        if OUTSIDE in scope and scope["path"] not in OPEN:
            refusal = unavailable("The server has all the connections that it can serve.")
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)
