"""The machines that could not be reached: to ask one takes seconds, so each is tried again beside the looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.links import Links, Outcome
from deployster_cli.errors import EngineError, EngineUnreachable

# Seconds behind the last try after which a machine is asked as any other: nobody has looked for that long.
_STALE = 10.0


class _Absence(NamedTuple):
    """Since when a machine was not reached, when it was tried last, and what came of that."""

    since: float
    tried: float
    error: EngineError


class Absent:
    """Which machines not to ask now. ``limit`` is how many seconds a try may take."""

    def __init__(self, links: Links, limit: float) -> None:
        self._links, self._limit = links, limit
        self._found: dict[Host, _Absence] = {}
        self._tried: dict[Host, threading.Thread] = {}

    def among(self, hosts: Iterable[Host]) -> dict[Host, EngineError]:
        """Those of these machines that were not reached just now, each with why."""
        now = time.monotonic()
        found = ((host, self._found.get(host)) for host in hosts)
        return {host: absence.error for host, absence in found if absence and now - absence.tried < _STALE}

    def heard(self, host: Host, outcome: Outcome) -> None:
        """Note what came of asking a machine."""
        if not isinstance(outcome, EngineUnreachable):
            self._found.pop(host, None)
            return
        before, now = self._found.get(host), time.monotonic()
        self._found[host] = _Absence(before.since if before else now, now, outcome)

    def try_again(self) -> None:
        """Begin to try each of them that is not being tried."""
        for host in [*self._found]:
            under_way = self._tried.get(host)
            if not (under_way and under_way.is_alive()):
                self._tried[host] = threading.Thread(target=self._try, args=(host,), daemon=True)
                self._tried[host].start()

    def _try(self, host: Host) -> None:
        self.heard(host, self._links.each({host: ":\n"}, self._limit, "look")[host])
