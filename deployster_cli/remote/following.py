"""A job of the server's followed to its end: its events as they come, over connections that may break.

The server sends a comment every 15 seconds, so silence means that it, or the way to it, is gone. The job goes on
without us; so we ask again from the last event that we saw, for a minute.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import EngineAway, EngineBack, Event
from deployster_cli.errors import DeploysterError
from deployster_cli.operations.carry_out import Carrying, Result
from deployster_cli.operations.clock import Clock
from deployster_cli.remote.connection import Connection, Sent
from deployster_cli.remote.refusals import NotAServer, RemoteFailed, ServerUnreachable
from deployster_cli.remote.streams import events, lines
from deployster_cli.remote.values import ended, event_of

STREAM = "text/event-stream"

SILENCE = 45.0
"""Seconds without a byte after which a stream is dead: three comments are missing then."""

PATIENCE = 60.0
"""Seconds for which a server that went away is waited for."""

PAUSE = 1.0
"""Seconds between two tries."""

_PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Lost(ServerUnreachable):
    """The server stayed away: what became of the job is not known here."""


@dataclass
class Following:
    """One job at ``path``. ``last`` is the id of the event seen last, ``away_since`` when the stream broke."""

    server: Connection
    path: str
    clock: Clock
    last: str = ""
    away_since: float | None = None

    def follow(self) -> Carrying:
        """Every event until the job's end, and what it did; RemoteFailed where it failed, Lost where nobody knows."""
        while True:
            try:
                result = yield from self._one_stream()
            except ServerUnreachable as error:
                why: DeploysterError = error
            except RemoteFailed as error:
                if error.status not in _PASSING:
                    raise
                why = error
            else:
                if result:
                    return result
                why = ServerUnreachable(f"{self.server.url} ended the stream.")
            yield from self._wait(why)

    def _one_stream(self) -> Generator[Event, None, Result | None]:
        """What one connection tells; None where it ends before the job does."""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        sent = Sent("GET", f"{self.path}/events", headers=headers, silence=SILENCE)
        with self.server.open(sent, STREAM) as response:
            if response.headers.get("content-type", "").partition(";")[0] != STREAM:
                raise NotAServer(f"{self.server.url} answered with something else than events.")
            for told in events(lines(response.iter_bytes())):
                yield from self._back()
                if told and told.event == "end":
                    return ended(told.json)
                if told:
                    self.last = told.id
                event = event_of(told.json) if told and told.event == "progress" else None
                if event:
                    yield event
        return None

    def _back(self) -> Iterator[Event]:
        if self.away_since is not None:
            yield EngineBack(self.clock.now() - self.away_since)
        self.away_since = None

    def _wait(self, why: DeploysterError) -> Iterator[Event]:
        now = self.clock.now()
        if self.away_since is None:
            self.away_since = now
            yield EngineAway(why.message)
        elif now - self.away_since > PATIENCE:
            raise Lost(
                f"{why.message} So it was for {format_duration(PATIENCE)}; what became of the job is not known here.",
                f"{self.server.url}{self.path} tells; the same command again goes on from what it finds.",
            ) from why
        self.clock.sleep(PAUSE)
