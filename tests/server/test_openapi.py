"""The OpenAPI document: complete, and held to by the server, as schemathesis finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployster_cli.domain.change import Verb
from deployster_cli.domain.events import Starting, TaskOutput, Tell
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import NotFound
from deployster_cli.operations import logs as operation
from deployster_cli.operations.rollout import Result
from deployster_cli.operations.task import Task
from deployster_cli.server.jobs.worker import Commission
from deployster_cli.server.middleware.attempts import Attempts
from deployster_cli.server.routes import live, logs, tasks
from tests.server.app_given import LOGIN, Client, QuickEngine, over_http, served
from tests.server.given import Script
from tests.simulation import SimClock

EXAMPLES = os.environ.get("DEPLOYSTER_TEST_SCHEMATHESIS_EXAMPLES", "5")
PHASES = os.environ.get("DEPLOYSTER_TEST_SCHEMATHESIS_PHASES", "examples,coverage,fuzzing")

# A longer run by hand: more examples, ``stateful`` among the phases, and more seconds.
LIMIT = float(os.environ.get("DEPLOYSTER_TEST_SCHEMATHESIS_SECONDS", "300"))


def operations(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with its method and path in words."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        yield from ((f"{method} {path}", operation) for method, operation in methods.items())


def test_every_operation_but_healthz_names_the_login(client: Client) -> None:
    assert [at for at, operation in operations(client) if "security" not in operation] == ["get /healthz"]


def test_every_error_is_a_problem(client: Client) -> None:
    media = {
        kind
        for _, operation in operations(client)
        for status, response in operation["responses"].items()
        if status >= "400"
        for kind in response["content"]
    }
    assert media == {"application/problem+json"}


@pytest.mark.parametrize("status", ["401", "403", "429", "503"])
def test_what_any_request_can_meet_is_declared_everywhere(client: Client, status: str) -> None:
    missing = [at for at, operation in operations(client) if status not in operation["responses"]]
    assert missing == ([] if status == "503" else ["get /healthz"])


class Honest(Script):
    """Jobs that end well, but for those that are to destroy what there isn't."""

    def __call__(self, job: Commission, tell: Tell) -> Result:
        asked = job.intent
        if asked.verb is Verb.DESTROY and (asked.service, asked.version) != ("carousel", "v1"):
            raise NotFound(f"There is no {asked.service} {asked.version}.")
        return super().__call__(job, tell)


async def first_pieces(whole: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What a stream without end begins with."""
    for _ in range(2):
        yield await anext(whole)


def quick_task(_: object, task: Task, __: object, tell: Tell, *___: object) -> int:
    """A task that is through at once."""
    tell(Starting(1, 1, (UnitName("carousel.task", task.version, 1),)))
    tell(TaskOutput(("done",)))
    return 0


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose jobs, tasks and streams end at once, and which forgives any number of wrong passwords."""
    stream, read = live.stream, operation.logs
    monkeypatch.setattr(live, "stream", lambda *given: first_pieces(stream(*given)))
    monkeypatch.setattr(logs, "logs", lambda *given, **_: read(*given, follow=False))
    monkeypatch.setattr(tasks, "run_task", quick_task)
    engine = QuickEngine(SimClock(), stop_delay=0, leave_delay=0)
    engine.add_running(UnitName("carousel", "v1", 1))
    monkeypatch.setattr(engine, "cat", lambda _: None)  # what runs differs from no settings that anybody sends
    engine.gate.set()
    with served(tmp_path, engine, patience=5, script=Honest()) as serving:
        serving.attempts = Attempts(free=10**9)
        with over_http(serving) as url:
            yield url


@pytest.mark.process
def test_schemathesis_finds_no_failure_with_all_its_checks(url: str, tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("the program schemathesis is not installed")
    argv = [program, "run", f"{url}/openapi.json", "--checks=all", f"--max-examples={EXAMPLES}"]
    argv += [
        "--auth",
        f"{LOGIN.username}:{LOGIN.password}",
        f"--phases={PHASES}",
        "--seed=1",
        "--request-timeout=20",
    ]
    root = Path(__file__).parents[2]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.server.schemathesis_hooks", "PYTHONPATH": str(root)}
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stdout
