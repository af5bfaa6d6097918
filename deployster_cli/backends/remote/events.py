"""A job of the server's followed to its end: its events as they come, over connections that may break.

The server sends a comment every 15 seconds, so silence means that it, or the way to it, is gone. The job goes on
without us; so we ask again from the last event that we saw, for a minute.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from httpx_sse import EventSource

from deployster_cli.backends.remote.connection import READ, Connection, Sent
from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed, ServerUnreachable
from deployster_cli.backends.remote.payloads import LONGEST_BY, ended, event_of, pairs
from deployster_cli.domain.change import TaskRequest
from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import EngineAway, EngineBack, TaskDone, TaskOutput, TaskStarted, Tell
from deployster_cli.domain.units.names import UnitName, check_service, check_version
from deployster_cli.errors import EXIT_TASK_TIMEOUT, DeploysterError, Interrupted
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.logs import LogLine, LogNote, Logs, Wanted
from deployster_cli.operations.rollout import Result

STREAM = "text/event-stream"

# Seconds without a byte after which a stream is dead: three comments are missing then.
SILENCE = 45.0

# Seconds for which a server that went away is waited for.
PATIENCE = 60.0

# Seconds between two tries.
PAUSE = 1.0

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
    tell: Tell
    last: str = ""
    away_since: float | None = None

    def follow(self) -> Result:
        """Tell every event until the job's end; what it did. RemoteFailed where it failed, Lost where nobody knows."""
        while True:
            try:
                result = self._one_stream()
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
            self._wait(why)

    def _one_stream(self) -> Result | None:
        """Tell what one connection tells; None where it ends before the job does."""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        sent = Sent("GET", f"{self.path}/events", headers=headers, silence=SILENCE)
        with self.server.open(sent, STREAM) as response:
            if response.headers.get("content-type", "").partition(";")[0] != STREAM:
                raise NotAServer(f"{self.server.url} answered with something other than events.")
            for told in EventSource(response).iter_sse():
                self._back()
                if told.event == "end":
                    return ended(_json(told.data))
                if _HEADER.fullmatch(told.id):
                    self.last = told.id
                event = event_of(_json(told.data)) if told.event == "progress" else None
                if event:
                    self.tell(event)
        return None

    def _back(self) -> None:
        if self.away_since is not None:
            self.tell(EngineBack(self.clock.now() - self.away_since))
        self.away_since = None

    def _wait(self, why: DeploysterError) -> None:
        now = self.clock.now()
        if self.away_since is None:
            self.away_since = now
            self.tell(EngineAway(why.message))
        elif now - self.away_since > PATIENCE:
            raise Lost(
                f"{why.message} It stayed so for {format_duration(PATIENCE)}; the job's outcome is unknown here.",
                f"{self.server.url}{self.path} tells; the same command again continues from what it finds.",
            ) from why
        self.clock.sleep(PAUSE)


# Bytes of one line of a journal or of a task's output.
LONGEST = 4 * 1024 * 1024

# What an id may be made of: it goes back in a header.
_HEADER = re.compile("[!-~]*")


def _json(data: str) -> object:
    """Return the data as JSON; None where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def lines(parts: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines in a body's parts, without their ends; a last one without an end counts too.

    Only ``\\n`` ends a line: what str.splitlines takes for an end may stand in a journal.
    """
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST:
            raise NotAServer(f"The server's answer can't be read: a line of more than {LONGEST:,} bytes.")
        yield from (line.decode(errors="replace").removesuffix("\r") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


_EXITED = re.compile(r"Exited \(([0-9]{1,3})\)")

NDJSON = "application/x-ndjson"


def run_task(server: Connection, request: TaskRequest, by: str, clock: Clock, tell: Tell) -> int:
    """Tell the task's output as it comes; its exit code. The server stops it where this ends before it does.

    A task may be silent for as long as it takes, so only its time limit, and what the server needs to tidy up, bounds
    the wait for a line.
    """
    tell(TaskStarted(request.command))
    began = clock.now()
    try:
        code = _until_exited(server, _asked(request, by), tell)
    except KeyboardInterrupt as signal:
        message = f"Interrupted. {server.url} stops the task."
        raise Interrupted(message, signal=int(getattr(signal, "signal", 2))) from None
    tell(TaskDone(request.command, clock.now() - began, code, late=code == EXIT_TASK_TIMEOUT))
    return code


def _asked(request: TaskRequest, by: str) -> Sent:
    task = {
        "version": check_version(request.version),
        "command": request.command,
        "timeout": request.timeout,
        "env": pairs(request.envs),
        "by": by[:LONGEST_BY],
    }
    path = f"/v1/services/{check_service(request.service)}/tasks"
    return Sent("POST", path, {"task": task}, silence=request.timeout + 2 * READ)


def _until_exited(server: Connection, sent: Sent, tell: Tell) -> int:
    """Tell every line but the last, ``Exited (N)``; what looks like it before is the task's own."""
    ended: re.Match[str] | None = None
    with server.open(sent, "text/plain") as response:
        for line in lines(response.iter_bytes()):
            if ended:
                tell(TaskOutput((ended[0],)))
            ended = _EXITED.fullmatch(line)
            if not ended:
                tell(TaskOutput((line,)))
    if ended is None:
        raise ServerUnreachable(f"{server.url} closed the stream before it said how the task ended.")
    return int(ended[1])


def read_logs(server: Connection, wanted: Wanted, *, follow: bool = False) -> Logs:
    """Journal lines of a service's units, each with the unit that wrote it and, where the server says it, the time."""
    wanted.check()
    query = {
        **({"version": wanted.version} if wanted.version else {}),
        "instance": sorted(wanted.instances),
        "lines": wanted.lines,
        **({"follow": "true"} if follow else {}),
    }
    path = f"/v1/services/{wanted.service}/logs?{urlencode(query, doseq=True)}"
    with server.open(Sent("GET", path, silence=None if follow else READ, again=True), NDJSON) as response:
        for line in lines(response.iter_bytes()):
            if line:
                yield _journal_line(line)


def _journal_line(text: str) -> LogLine | LogNote:
    """Return ``{"unit", "line"}``, and maybe ``at`` in RFC 3339 and ``machine``; or ``{"note"}``."""
    try:
        told = json.loads(text)
        if "note" in told:
            return LogNote(_text(told["note"]))
        at = told.get("at")
        name, seconds = UnitName.parse(told["unit"]), datetime.fromisoformat(at).timestamp() if at else None
        return LogLine(_known(name), _text(told["line"]), seconds, _text(told.get("machine", "")))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise NotAServer("The server's answer can't be read: it is not a line of a journal.") from None


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError
    return told


def _known(name: UnitName | None) -> UnitName:
    if name is None:
        raise ValueError
    return name
