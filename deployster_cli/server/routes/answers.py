"""What the routes for jobs answer, for the OpenAPI document: the shapes themselves are made by job.Job.shape."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class JobError(BaseModel):
    """What a job failed with, and the exit code that the command line would have."""

    message: str
    hint: str
    exit_code: int


class JobResult(BaseModel):
    """What a job did, and how long it took."""

    plan: dict[str, Any] | None
    seconds: float


class JobAnswer(BaseModel):
    """One job. ``request`` is as it was given, with the values of ``env`` and ``set`` masked."""

    id: str
    service: str
    version: str | None
    verb: Literal["deploy", "rollback", "scale", "restart", "destroy"]
    state: Literal["queued", "running", "done", "failed"]
    by: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    request: dict[str, Any]
    error: JobError | None
    result: JobResult | None
    events_url: str


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    deploys: list[JobAnswer]


class PlanAnswer(BaseModel):
    """What would be done: the answer to ``dry_run``."""

    plan: dict[str, Any]
