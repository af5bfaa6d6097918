"""What the server's tests start from: a project, a model of an engine, and jobs that do what a test tells them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Event, Tell
from deployster_cli.domain.rollout.plan import Plan, Step
from deployster_cli.domain.units.names import UnitName
from deployster_cli.operations.clock import SystemClock
from deployster_cli.operations.rollout import Result
from deployster_cli.server.jobs.job import Job
from deployster_cli.server.jobs.queue import Jobs
from deployster_cli.server.jobs.worker import Commission, StopAsked

NAME = UnitName("carousel", "v1", 1)
PLAN = Plan("carousel", "v1", (Step(start=(NAME,)),))


def deploying(service: str = "carousel", version: str = "v1", **more: object) -> Change:
    """The wish to deploy."""
    return Change(Verb.DEPLOY, service, version, **more)  # type: ignore[arg-type]


def a_job(service: str = "carousel", **more: object) -> Job:
    """A job that was just asked for."""
    intent = deploying(service)
    at = SystemClock().utc()
    job = Job("20261123T110000Z", intent, "ann@laptop", {"version": "v1"}, service, "v1", "deploy", at)
    return _with(job, more)


def _with(job: Job, more: dict[str, object]) -> Job:
    return replace(job, **more)  # type: ignore[arg-type]


@dataclass
class Script:
    """Carries out jobs as told: ``events`` one by one, each let go by ``gate`` where that is set, then ``end``."""

    events: tuple[Event, ...] = ()
    end: BaseException | None = None
    gate: threading.Semaphore | None = None
    seen: list[Commission] = field(default_factory=list)
    under_way: dict[str, int] = field(default_factory=dict)
    at_once: int = 0
    overlaps: list[str] = field(default_factory=list)

    def __call__(self, job: Commission, tell: Tell) -> Result:
        """One job, start to end."""
        self.seen.append(job)
        service = job.intent.service
        if self.under_way.get(service):
            self.overlaps.append(service)
        self.under_way[service] = 1
        self.at_once = max(self.at_once, sum(self.under_way.values()))
        try:
            job.planned(PLAN, None)
            for event in self.events:
                self._wait(job)
                tell(event)
            self._wait(job)
            if self.end:
                raise self.end
            return Result(PLAN, 1.0)
        finally:
            self.under_way[service] = 0

    def _wait(self, job: Commission) -> None:
        while self.gate and not self.gate.acquire(timeout=0.01):
            if job.stop.is_set():
                raise StopAsked


def opened(path: Path, script: Script) -> Iterator[Jobs]:
    """Jobs that run by the script, stopped in the end."""
    jobs = Jobs(path / "jobs.sqlite", script)
    jobs.begin()
    try:
        yield jobs
    finally:
        jobs.stop(5)


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.005)


def ended(jobs: Jobs, job: Job) -> Job:
    """The job when it is over."""
    found: list[Job] = []

    def over() -> bool:
        now = jobs.get(job.id)
        found[:] = [now] if now else []
        return bool(now and now.over)

    until(over)
    return found[0]
