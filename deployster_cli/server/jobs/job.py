"""A job: one intent that the server has accepted, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from deployster_cli.domain import payloads
from deployster_cli.domain.change import Change
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.templates.secrets import MASK
from deployster_cli.errors import (
    EXIT_ENGINE,
    EXIT_LOCKED,
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    DeploysterError,
    EngineUnreachable,
    InvalidInput,
    Locked,
    NotFound,
)

_SECRET = ("env", "set")

Json = dict[str, Any]


class State(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it is stored. Times are RFC 3339 in UTC, empty where it has not come to that.

    ``intent`` is None once the job has ended: it holds what --env was given, and nobody needs that any more.
    ``plan`` is what was planned first, with the service's lock held; ``planned_at`` is the service's latest stamp then,
    or the time where stamps did not matter; ``starts`` is how often the job was begun.
    """

    id: str
    intent: Change | None
    by: str
    request: Json
    service: str
    version: str | None
    verb: str
    created_at: str
    state: State = State.QUEUED
    started_at: str = ""
    ended_at: str = ""
    starts: int = 0
    plan: Plan | None = None
    planned_at: str = ""
    seconds: float = 0.0
    error: Json | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in {State.DONE, State.FAILED}

    @property
    def url(self) -> str:
        """Where it is to be looked at."""
        return f"/v1/services/{self.service}/deploys/{self.id}"

    def shape(self) -> Json:
        """Return the job for JSON."""
        result = {"plan": payloads.encode(self.plan), "seconds": self.seconds} if self.state is State.DONE else None
        return {
            "id": self.id,
            "service": self.service,
            "version": self.version,
            "verb": self.verb,
            "state": self.state.value,
            "by": self.by,
            "created_at": self.created_at,
            "started_at": self.started_at or None,
            "ended_at": self.ended_at or None,
            "request": self.request,
            "error": self.error,
            "result": result,
            "events_url": f"{self.url}/events",
        }

    def failure(self) -> DeploysterError:
        """Return what it failed with, as the kind of error that has this exit code."""
        told = self.error or told_of(DeploysterError("It failed."))
        error = _KINDS.get(told["exit_code"], DeploysterError)(told["message"], told["hint"])
        error.exit_code = told["exit_code"]
        return error

    def planned(self, plan: Plan, at: str) -> Job:
        """Return the job with its plan, which also tells the version where the verb finds it itself."""
        return replace(self, plan=plan, planned_at=at, version=plan.version)


_KINDS: Mapping[int, type[DeploysterError]] = {
    EXIT_USAGE: InvalidInput,
    EXIT_ENGINE: EngineUnreachable,
    EXIT_LOCKED: Locked,
    EXIT_NOT_FOUND: NotFound,
}


def told_of(error: DeploysterError) -> Json:
    """Return an error as a job keeps it."""
    return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}


def masked(request: Mapping[str, Any]) -> Json:
    """Return a request without the values of its ``env`` and ``set``."""
    return {
        name: dict.fromkeys(value, MASK) if name in _SECRET and isinstance(value, Mapping) else value
        for name, value in request.items()
    }


class NotNow(DeploysterError):
    """Nothing can be accepted now: too much waits, or the server stops. HTTP's 503."""
