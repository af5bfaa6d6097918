"""A real server over a model of an engine, in simulated time, on a port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deployster_cli.config.load import Settings
from deployster_cli.domain.events import Tell
from deployster_cli.operations.rollout import Result
from deployster_cli.server.jobs.queue import Jobs
from deployster_cli.server.jobs.worker import Commission, Recorded
from deployster_cli.server.middleware.credentials import Login
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing
from tests.server.app_given import over_http
from tests.simulation import SimEngine

PASSWORD = "a secret of the tests"  # noqa: S105


@contextmanager
def serving(settings: Settings, engine: SimEngine, folder: Path) -> Iterator[str]:
    """The URL of a server with these settings over the engine; jobs run in the engine's own time."""

    def carry(job: Commission, tell: Tell) -> Result:
        return Recorded(settings, replace(job.intent, by=job.by), engine.clock, job).run(engine, tell)

    listing = Listing(engine, engine.clock)
    jobs = Jobs(folder / "jobs.sqlite", carry, changed=listing.changed, clock=engine.clock)
    parts = Serving(settings, lambda: engine, engine.clock, Login("deployster", PASSWORD), listing, jobs)
    jobs.begin()
    with over_http(parts) as url:
        yield url
    jobs.stop(5)
