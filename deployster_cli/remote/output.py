"""What runs on a server's machines and is told line by line: a task's output, and journals."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from datetime import datetime
from urllib.parse import urlencode

from deployster_cli.domain.events import Event, TaskDone, TaskOutput, TaskStarted
from deployster_cli.domain.intent import Errand
from deployster_cli.domain.names import UnitName, check_service, check_version
from deployster_cli.errors import EXIT_TASK_TIMEOUT, Interrupted
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.logs import LogLine, LogNote, Logs, Wanted
from deployster_cli.remote.connection import READ, Connection, Sent
from deployster_cli.remote.refusals import NotAServer, ServerUnreachable
from deployster_cli.remote.requests import LONGEST_BY, pairs
from deployster_cli.remote.streams import lines

_EXITED = re.compile(r"Exited \(([0-9]{1,3})\)")

NDJSON = "application/x-ndjson"


def run_task(server: Connection, errand: Errand, by: str, clock: Clock) -> Generator[Event, None, int]:
    """The task's output as it comes; its exit code. The server stops it where this ends before it does.

    A task may be silent for as long as it takes, so only its time limit, and what the server needs to tidy up, bounds
    the wait for a line.
    """
    yield TaskStarted(errand.command)
    began = clock.now()
    try:
        code = yield from _until_exited(server, _asked(errand, by))
    except KeyboardInterrupt as signal:
        message = f"Interrupted. {server.url} stops the task."
        raise Interrupted(message, signal=int(getattr(signal, "signal", 2))) from None
    yield TaskDone(errand.command, clock.now() - began, code, late=code == EXIT_TASK_TIMEOUT)
    return code


def _asked(errand: Errand, by: str) -> Sent:
    task = {
        "version": check_version(errand.version),
        "command": errand.command,
        "timeout": errand.timeout,
        "env": pairs(errand.envs),
        "by": by[:LONGEST_BY],
    }
    path = f"/v1/services/{check_service(errand.service)}/tasks"
    return Sent("POST", path, {"task": task}, silence=errand.timeout + 2 * READ)


def _until_exited(server: Connection, sent: Sent) -> Generator[Event, None, int]:
    """Every line but the last, ``Exited (N)``; what looks like it before is the task's own."""
    ended: re.Match[str] | None = None
    with server.open(sent, "text/plain") as response:
        for line in lines(response.iter_bytes()):
            if ended:
                yield TaskOutput((ended[0],))
            ended = _EXITED.fullmatch(line)
            if not ended:
                yield TaskOutput((line,))
    if ended is None:
        raise ServerUnreachable(f"{server.url} broke off before it told how the task ended.")
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
    """``{"unit", "line"}``, and maybe ``at`` in RFC 3339 and ``machine``; or ``{"note"}``."""
    try:
        told = json.loads(text)
        if "note" in told:
            return LogNote(_text(told["note"]))
        at = told.get("at")
        name, seconds = UnitName.parse(told["unit"]), datetime.fromisoformat(at).timestamp() if at else None
        return LogLine(_known(name), _text(told["line"]), seconds, _text(told.get("machine", "")))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise NotAServer("The server's answer can't be read: it is no line of a journal.") from None


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError
    return told


def _known(name: UnitName | None) -> UnitName:
    if name is None:
        raise ValueError
    return name
