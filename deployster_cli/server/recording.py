"""One job's record while it runs: each step is in the store before the next is taken, and its readers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deployster_cli.domain.events import Event, HookStarted, TaskStarted
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.wire import decode_event, encode_event
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.clock import Clock
from deployster_cli.server.feed import EVERYTHING, Feed
from deployster_cli.server.job import Job, Json, State
from deployster_cli.server.job_store import JobStore, StoreUnusable
from deployster_cli.server.resuming import BEGUN

_MOST_HELD = 1000
"""Events held back while the store can't be written to; the newest of more are lost."""


class Record:
    """The record of ``job``. What the store refuses ends the job only as long as nothing was done yet.

    Later it is held back: to break off half a rollout for want of a log would be the greater damage. A task or a hook
    is never begun unrecorded: it must not be run twice.
    """

    def __init__(self, job: Job, store: JobStore, feed: Feed, clock: Clock) -> None:
        self.job = job
        self._store = store
        self._feed = feed
        self._clock = clock
        self._held: list[tuple[str, Json]] = []
        self._safe = False

    def begin(self) -> None:
        """It runs now."""
        started = self.job.started_at or self._clock.utc()
        self._save(replace(self.job, state=State.RUNNING, started_at=started, starts=self.job.starts + 1))

    def told(self) -> tuple[Event, ...]:
        """What it told when it ran before; without those events that this version doesn't know."""
        found = (_known(event) for _, _, event in self._store.events(self.job.id))
        events = tuple(event for event in found if event)
        self._safe = any(isinstance(event, BEGUN) for event in events)
        return events

    def planned(self, plan: Plan, latest: str | None) -> None:
        """This is what will be done, ``latest`` being the service's latest stamp where that is known. The first plan
        counts: what goes on later does what is left of it.
        """
        if self.job.plan is None:
            self._save(self.job.planned(plan, self._clock.utc() if latest is None else latest))

    def tell(self, event: Event) -> None:
        """This is being done, or was seen."""
        self._held = [*self._held, (self._clock.utc(), encode_event(event))][:_MOST_HELD]
        try:
            self._store.tell(self.job.id, self._held)
        except StoreUnusable:
            if not self._safe or isinstance(event, TaskStarted | HookStarted):
                raise
            return
        self._held = []
        self._safe = self._safe or isinstance(event, BEGUN)
        self._feed.tell(self.job.id, self.job.id)

    def end(self, error: Json | None, seconds: float, wait: Callable[[], bool]) -> None:
        """It is over. Tried again after each ``wait`` as long as the store can't be written to and that is not True."""
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
            self._feed.tell(topic, job.id)


def _known(event: Json) -> Event | None:
    try:
        return decode_event(event)
    except InvalidInput:
        return None
