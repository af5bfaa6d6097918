"""A task over HTTP: its output as it comes, its exit code last, and stopped when its client goes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from deployster_cli.domain.events import Event, Starting, TaskDone, TaskOutput, TaskStarted, Tell
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineUnreachable
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.task import Task, TaskFailed
from deployster_cli.server.routes import tasks
from deployster_cli.server.state import Serving

URL = "/v1/services/carousel/tasks"
TASK = {"task": {"version": "v1", "command": "rake db:migrate"}}
STARTING = Starting(1, 1, (UnitName("carousel.task", "v1", 1),))


class Script:
    """Stands in for operations.task.run_task."""

    def __init__(self) -> None:
        self.events: tuple[Event, ...] = (STARTING, TaskOutput(("one", "two")), TaskDone("rake db:migrate", 1.0))
        self.code = 0
        self.fails: Exception | None = None
        self.fails_first: Exception | None = None
        self.waits = 0.0
        self.seen: list[tuple[Task, float]] = []
        self.closed = threading.Event()

    def __call__(self, _: object, task: Task, clock: Clock, tell: Tell, timeout: float) -> int:
        self.seen.append((task, timeout))
        try:
            tell(TaskStarted(task.command))
            if self.fails_first:
                raise self.fails_first
            for event in self.events:
                tell(event)
            clock.sleep(self.waits)
            if self.fails:
                raise self.fails
            return self.code
        finally:
            self.closed.set()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    script = Script()
    monkeypatch.setattr(tasks, "run_task", script)
    return script


def test_the_output_is_streamed_and_the_exit_code_is_the_last_line(client: TestClient, script: Script) -> None:
    script.code = 3
    answer = client.post(URL, json=TASK)
    assert (answer.status_code, answer.text) == (200, "one\ntwo\nExited (3)\n")
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_task_is_what_was_asked_for(client: TestClient, script: Script) -> None:
    client.post(URL, json={"task": {**TASK["task"], "timeout": "90s", "env": {"A": "1"}, "by": "ann@laptop"}})
    task, timeout = script.seen[0]
    assert (task.command, task.service, task.version, task.by) == ("rake db:migrate", "carousel", "v1", "ann@laptop")
    assert timeout == 90.0


def test_what_can_not_begin_is_a_problem(client: TestClient, script: Script) -> None:
    script.fails_first = EngineUnreachable("The engine does not answer.")
    answer = client.post(URL, json=TASK)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_what_fails_under_way_is_told_in_the_text(client: TestClient, script: Script) -> None:
    script.fails = TaskFailed("'rake db:migrate' was not run.", "Look.")
    answer = client.post(URL, json=TASK)
    assert answer.text == "one\ntwo\n'rake db:migrate' was not run. Look.\nExited (1)\n"


REFUSED: tuple[Any, ...] = (
    {},
    {"task": {"version": "v1"}},
    {"task": {"version": "v1", "command": ""}},
    {"task": {"version": "v1", "command": "a\nb"}},
    {"task": {"version": "a:b", "command": "a"}},
    {"task": {"version": "v1", "command": "a", "timeout": "soon"}},
    {"task": {"version": "v1", "command": "a", "more": 1}},
    {"task": {"version": "v1", "command": ["a"]}},
)


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_no_task_is_refused(client: TestClient, script: Script, body: object) -> None:
    assert (client.post(URL, json=body).status_code, script.seen) == (422, [])


def test_one_too_many_is_told_to_come_again(serving: Serving, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.server.app_given import client_of

    monkeypatch.setattr(tasks, "MOST_TASKS", 0)
    with client_of(serving) as client:
        answer = client.post(URL, json=TASK)
    assert (answer.status_code, "0 tasks are under way" in answer.json()["detail"]) == (503, True)


def test_a_silent_task_is_stopped_within_a_second_when_its_client_goes(serving: Serving, script: Script) -> None:
    from fastapi import FastAPI

    script.waits = 60.0
    app = FastAPI()
    app.include_router(tasks.router(serving))
    begun = asyncio.Event()
    body = b'{"task": {"version": "v1", "command": "sleep 60"}}'
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if b"two" in message.get("body", b""):
            begun.set()

    async def go() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": URL,
            "raw_path": URL.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        async with asyncio.timeout(5):
            await app(scope, receive, send)
        assert await asyncio.to_thread(script.closed.wait, 1)

    asyncio.run(go())
