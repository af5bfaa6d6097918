"""The verbs over HTTP: base.Backend for a server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from deployster_cli.backends.remote.connection import Connection, Sent
from deployster_cli.backends.remote.errors import RemoteFailed
from deployster_cli.backends.remote.events import Following, read_logs, run_task
from deployster_cli.backends.remote.payloads import (
    ACTIVE,
    Job,
    entry_of,
    job_of,
    listed,
    member,
    plan_of,
    silent_of,
    unit_of,
    wish_of,
)
from deployster_cli.domain.change import Change, TaskRequest, Verb
from deployster_cli.domain.events import LockHeld, Tell
from deployster_cli.domain.units.model import Release, Unit, everything
from deployster_cli.domain.units.names import check_service
from deployster_cli.errors import EXIT_NOT_FOUND, Interrupted, Locked, NotFound
from deployster_cli.operations import destroy
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.logs import Logs, Wanted
from deployster_cli.operations.ownership import Owned
from deployster_cli.operations.releases import Entry
from deployster_cli.operations.rollout import Result, RolloutSpec


@dataclass(frozen=True)
class Remote:
    """The server behind ``server``; ``person`` says who asks."""

    server: Connection
    person: Callable[[], str]
    clock: Clock
    _silent: dict[str, str] = field(default_factory=dict)

    def units(self, service: str | None = None) -> tuple[Unit, ...]:
        """As Backend says."""
        path = "/v1/units" if service is None else f"/v1/services/{check_service(service)}/units"
        found = self._listed(path)
        return tuple(sorted(map(unit_of, listed(found, "units")), key=lambda unit: unit.name))

    @property
    def silent(self) -> Mapping[str, str]:
        """As Backend says, by what the server answered last."""
        return self._silent

    def services(self) -> tuple[Release, ...]:
        """As Backend says, from the units: the server's own /v1/services names no machine by its address."""
        return everything(self.units())

    def history(self, service: str) -> tuple[Entry, ...]:
        """As Backend says."""
        try:
            found = self._listed(f"/v1/services/{check_service(service)}/history")
        except RemoteFailed as error:
            if error.exit_code != EXIT_NOT_FOUND:
                raise
            raise NotFound(error.message, "deployster services lists them.") from error
        return tuple(map(entry_of, listed(found, "history")))

    def checked(self, change: Change) -> RemoteChange:
        """As Backend says; all else is for the server to judge, which knows its own settings."""
        wish_of(change, "")
        return RemoteChange(self, change)

    def task(self, request: TaskRequest, tell: Tell) -> int:
        """As Backend says."""
        return run_task(self.server, request, self.person(), self.clock, tell)

    def logs(self, wanted: Wanted, *, follow: bool) -> Logs:
        """As Backend says."""
        return read_logs(self.server, wanted, follow=follow)

    def close(self) -> None:
        """Close what is open."""
        self.server.close()

    def _listed(self, path: str) -> object:
        found = self.server.get(path)
        self._silent.clear()
        self._silent.update(silent_of(found))
        return found


@dataclass(frozen=True)
class RemoteChange:
    """base.Checked: a change for a server."""

    remote: Remote
    intent: Change

    @cached_property
    def _key(self) -> str:
        """The same for every time that this one wish is sent: a server does it once."""
        return str(uuid.uuid4())

    def prepare(self) -> PlannedChange:
        """As Checked says. The server plans; what is to be destroyed follows from its units alone."""
        asked, server = self.intent, self.remote.server
        if asked.verb is Verb.DESTROY:
            seen = Owned(self.remote.units(), {})
            return destroy.planned(seen, asked)
        wish = wish_of(asked, self.remote.person(), dry_run=True)
        told = server.ask(Sent(wish.method, wish.path, wish.body, again=True))
        return PlannedChange(RolloutSpec(plan_of(member(told, "plan"))), self.remote.units(asked.service))

    def run(self, tell: Tell) -> Result:
        """As Checked says. A signal ends our watching only: the server goes on, and that is said."""
        job: Job | None = None
        try:
            self._queue(tell)
            job = self._accepted()
            return Following(self.remote.server, self._at(job), self.remote.clock, tell).follow()
        except KeyboardInterrupt as signal:
            raise self._left(job, int(getattr(signal, "signal", 2))) from None

    def _queue(self, tell: Tell) -> None:
        """Wait, or not, as for any lock, where the server is at the service: it does one thing at a time to it."""
        found = listed(self.remote.server.get(f"/v1/services/{self.intent.service}/deploys"), "deploys")
        job = next((job for job in map(job_of, found) if job.state in ACTIVE), None)
        if job is None:
            return
        by = f"{job.by} through {self.remote.server.url}, {job.verb} {job.version or ''}".rstrip()
        if not self.intent.lock_wait:
            raise Locked(f"{self.intent.service} is locked by {by}.", "To wait for it: --lock-wait 5m")
        tell(LockHeld(by))

    def _accepted(self) -> Job:
        wish = wish_of(self.intent, self.remote.person())
        headers = {"Idempotency-Key": self._key, "Prefer": "respond-async"}
        return job_of(self.remote.server.ask(Sent(wish.method, wish.path, wish.body, headers, again=True)))

    def _at(self, job: Job) -> str:
        return f"/v1/services/{self.intent.service}/deploys/{job.id}"

    def _left(self, job: Job | None, signal: int) -> Interrupted:
        url, service = self.remote.server.url, self.intent.service
        look = f"deployster --server {url} units {service} shows what runs"
        if job is None:
            return Interrupted(f"Interrupted. It is not known whether {url} accepted it; {look}.", signal=signal)
        return Interrupted(
            f"Interrupted. The job continues on the server: {url}{self._at(job)}", f"{look}.", signal=signal
        )
