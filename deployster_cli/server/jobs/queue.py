"""The server's jobs: accepted, run one a service at a time and different services side by side, and told of."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Change
from deployster_cli.domain.events import Event, HookStarted, Parking, Retiring, Starting, TaskStarted, Tell
from deployster_cli.domain.payloads import decode_event, encode_event
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EXIT_FAULT, DeploysterError, Interrupted, InvalidInput
from deployster_cli.operations.clock import Clock, SystemClock
from deployster_cli.operations.rollout import Result
from deployster_cli.server.jobs.job import Job, Json, NotNow, State, masked, told_of
from deployster_cli.server.jobs.store import JobStore, StoreUnusable
from deployster_cli.server.jobs.worker import Commission, carrier, obstacle
from deployster_cli.server.streams.notifier import EVERYTHING, Listener, Notifier

# Services that are changed at the same time.
MOST_AT_ONCE = 8

# Jobs that may wait for their turn.
MOST_WAITING = 1000

# Seconds after which nobody still expects a job that a stopped server left to happen all of a sudden.
STALE = 3600.0

# From one of these on a job has done something.
_BEGUN = (TaskStarted, HookStarted, Starting, Parking, Retiring)

# Seconds until a store that could not be written to is tried again.
_TRY_AGAIN = 1.0

_log = logging.getLogger("deployster.jobs")

Carry = Callable[[Commission, Tell], Result]


class Jobs:
    """Jobs kept in the file ``path``, carried out by ``carry``; ``changed`` is called whenever one has done something.

    ``accept`` may be called at once; nothing runs before ``begin``. Locked where another process has the file,
    StoreUnusable (503) where it can't be used.
    """

    def __init__(
        self,
        path: Path,
        carry: Carry,
        *,
        changed: Callable[[], object] = lambda: None,
        clock: Clock | None = None,
        at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._store = JobStore(path)
        self._carry = carry
        self._changed = changed
        self._clock = clock or SystemClock()
        self._at_once = at_once
        self._notifier = Notifier()
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self._busy: dict[str, threading.Thread] = {}
        self._begun = False
        self._stop = threading.Event()
        self._abandoned = False

    def begin(self) -> None:
        """Take up what an earlier process left unfinished, in order of acceptance, and run what comes from now on."""
        with self._lock:
            new = {job.id for job in self._waiting}
            left = [job for job in self._store.unfinished() if job.id not in new]
            stale = [job for job in left if self._clock.epoch() - _seconds(job.created_at) > STALE]
            for job in stale:
                self._give_up(job)
            self._waiting = [job for job in left if job not in stale] + self._waiting
            self._begun = True
        self._dispatch()

    def accept(
        self, intent: Change, by: str, request: Json | None = None, *, key: str | None = None, digest: str = ""
    ) -> Job:
        """Return the job of this intent, on the disk. With a ``key`` the job that was accepted under it before, if any.

        NotNow where too many wait, the server stops or the disk is full; InvalidInput where the key was used for a
        request with another ``digest``.
        """
        now = self._clock.utc()
        stamp = now.replace("-", "").replace(":", "")
        asked = masked(request or {})
        job = Job(stamp, intent, by, asked, intent.service, intent.version, intent.verb.value, created_at=now)
        with self._lock:
            if self._stop.is_set():
                raise NotNow("The server is stopping.", "Ask again in a moment.")
            if len(self._waiting) >= MOST_WAITING:
                raise NotNow(f"{MOST_WAITING} jobs are waiting already.", "Ask again later.")
            added, new = self._store.add(job, key, digest)
            if new:
                self._waiting.append(added)
        self._notifier.tell(EVERYTHING, added.id)
        self._dispatch()
        return added

    def get(self, job_id: str) -> Job | None:
        """One job, as it is now."""
        return self._store.get(job_id)

    def of(self, service: str | None, limit: int) -> list[Job]:
        """Return the last jobs of a service, or of all, newest first."""
        return self._store.newest(service, limit)

    def events(self, job_id: str, after: int, limit: int) -> list[tuple[int, str, Json]]:
        """Events (number, when, what) of a job behind that number."""
        return self._store.events(job_id, after, limit)

    def counts(self) -> dict[str, int]:
        """How many jobs on record there are in each state."""
        return self._store.counts()

    def listening(self, job_id: str = EVERYTHING) -> AbstractContextManager[Listener]:
        """Hear whenever there is news of a job, or of any, while this is open (in an event loop)."""
        return self._notifier.listening(job_id)

    def stop(self, timeout: float) -> bool:
        """Let every job end the step it is in, and stop there; whether all have within ``timeout`` seconds.

        What becomes of a job that has not is not recorded any more: its engine's calls are about to be killed. What
        runs stands. The jobs stay as they are in the store: ``begin`` goes on with them.
        """
        until = time.monotonic() + timeout
        with self._lock:
            self._stop.set()
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        ended = not any(thread.is_alive() for thread in threads)
        self._abandoned = not ended
        if ended:
            self._store.close()
        return ended

    def _dispatch(self) -> None:
        """Give each service that is free the job that has waited longest for it."""
        with self._lock:
            if not self._begun or self._stop.is_set():
                return
            for job in list(self._waiting):
                if len(self._busy) >= self._at_once:
                    return
                if job.service not in self._busy:
                    thread = threading.Thread(target=self._work, args=(job,), name=f"job {job.service}", daemon=True)
                    thread.start()
                    self._busy[job.service] = thread
                    self._waiting.remove(job)

    def _work(self, job: Job) -> None:
        try:
            self._run(Record(job, self._store, self._notifier, self._clock))
        except Exception:
            _log.exception("a fault in deployster itself, outside of job %s", job.id)
        finally:
            with self._lock:
                del self._busy[job.service]
            self._dispatch()

    def _run(self, record: Record) -> None:
        """Run the job from its begin, or from where it was cut off, to its end, or to where it is stopped."""
        if not self._kept_trying(record.begin):
            return
        seconds, error = 0.0, None
        try:
            seconds = self._carried(record).seconds
        except (KeyboardInterrupt, Interrupted):
            return
        except DeploysterError as failed:
            error = told_of(failed)
        except Exception:
            _log.exception("a fault in deployster itself, in job %s", record.job.id)
            fault = DeploysterError("A fault in deployster itself; its traceback is in the server's log.")
            error = {**told_of(fault), "exit_code": EXIT_FAULT}
        if self._abandoned:
            return
        self._changed()
        record.end(error, round(seconds, 3), lambda: self._stop.wait(_TRY_AGAIN))

    def _carried(self, record: Record) -> Result:
        """Return what the job did, each of its events recorded."""
        job = record.job
        why = obstacle(job.intent, job.starts - 1, record.told())
        if why or job.intent is None:
            raise DeploysterError(why, f"See deployster units {job.service}, then ask again.")
        commission = Commission(job.intent, job.by, record.planned, self._stop, job.plan, job.planned_at)

        def tell(event: Event) -> None:
            record.tell(event)
            self._changed()

        return self._carry(commission, tell)

    def _kept_trying(self, write: Callable[[], None]) -> bool:
        """Write to the store as soon as it can be; False where the server stops before."""
        while not self._stop.is_set():
            try:
                write()
            except StoreUnusable:
                self._stop.wait(_TRY_AGAIN)
            else:
                return True
        return False

    def _give_up(self, job: Job) -> None:
        why = "The server was stopped, and this was asked for over an hour ago: it was not taken up again."
        error = told_of(DeploysterError(why, f"See deployster units {job.service}, then ask again."))
        Record(job, self._store, self._notifier, self._clock).end(error, 0.0, lambda: True)


def open_jobs(
    path: Path, settings: Settings, open_engine: Callable[[], Engine], changed: Callable[[], object] = lambda: None
) -> Jobs:
    """Return the jobs of a server with these settings; ``begin`` sets them going."""
    return Jobs(path, carrier(settings, open_engine), changed=changed)


# Events held back while the store can't be written to; the newest of more are lost.
_MOST_HELD = 1000


class Record:
    """The record of ``job``. What the store refuses ends the job only as long as nothing was done yet.

    Later it is held back: to break off half a rollout for want of a log would be the greater damage. A task or a hook
    is never begun unrecorded: it must not be run twice.
    """

    def __init__(self, job: Job, store: JobStore, notifier: Notifier, clock: Clock) -> None:
        self.job = job
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._held: list[tuple[str, Json]] = []
        self._safe = False

    def begin(self) -> None:
        """Note that it runs now."""
        started = self.job.started_at or self._clock.utc()
        self._save(replace(self.job, state=State.RUNNING, started_at=started, starts=self.job.starts + 1))

    def told(self) -> tuple[Event, ...]:
        """Return what it told when it ran before; without those events that this version doesn't know."""
        found = (_known(event) for _, _, event in self._store.events(self.job.id))
        events = tuple(event for event in found if event)
        self._safe = any(isinstance(event, _BEGUN) for event in events)
        return events

    def planned(self, plan: Plan, latest: str | None) -> None:
        """Note that this is what will be done, ``latest`` being the service's latest stamp where that is known. The
        first plan counts: what goes on later does what is left of it.
        """
        if self.job.plan is None:
            self._save(self.job.planned(plan, self._clock.utc() if latest is None else latest))

    def tell(self, event: Event) -> None:
        """Note that this is being done, or was seen."""
        self._held = [*self._held, (self._clock.utc(), encode_event(event))][:_MOST_HELD]
        try:
            self._store.tell(self.job.id, self._held)
        except StoreUnusable:
            if not self._safe or isinstance(event, TaskStarted | HookStarted):
                raise
            return
        self._held = []
        self._safe = self._safe or isinstance(event, _BEGUN)
        self._notifier.tell(self.job.id, self.job.id)

    def end(self, error: Json | None, seconds: float, wait: Callable[[], bool]) -> None:
        """Note that it is over. This is tried again after each ``wait`` as long as the store can't be written to and
        that is not True.
        """
        state = State.FAILED if error else State.DONE
        over = replace(self.job, intent=None, state=state, error=error, seconds=seconds, ended_at=self._clock.utc())
        while True:
            try:
                self._store.tell(self.job.id, self._held)
                self._held = []
                self._save(over)
            except StoreUnusable:
                if wait():
                    return
            else:
                return

    def _save(self, job: Job) -> None:
        self._store.save(job)
        self.job = job
        for topic in (job.id, EVERYTHING):
            self._notifier.tell(topic, job.id)


def _seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()


def _known(event: Json) -> Event | None:
    try:
        return decode_event(event)
    except InvalidInput:
        return None
