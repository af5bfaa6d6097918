"""A server in this process over a model of an engine: all else is real, HTTP too where a test asks for it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from deployster_cli.config.load import ServeOptions, load
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.operations.clock import SystemClock
from deployster_cli.server.app import create_app
from deployster_cli.server.jobs.queue import Jobs
from deployster_cli.server.main import free_address, http_server
from deployster_cli.server.middleware.credentials import Login
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing, SingleFlight
from tests.server.given import Script
from tests.simulation import Fate, Life, SimClock, SimEngine

LOGIN = Login("deployster", "a-password-of-the-test")

PROJECT = """
[services.carousel]
template = "process"
command = "exec ./serve"
directory = "/srv/carousel/{version}"
"""


@dataclass
class GatedEngine(SimEngine):
    """An engine whose listing can be held up and made to fail; counts how many ask at the same time."""

    gate: threading.Event = field(default_factory=threading.Event)
    failure: Exception | None = None
    asking: int = 0
    most_asking: int = 0

    def units(self) -> tuple[Unit, ...]:
        self.asking += 1
        self.most_asking = max(self.asking, self.most_asking)
        try:
            self.gate.wait(10)
            if self.failure:
                self.looks += 1
                raise self.failure
            return super().units()
        finally:
            self.asking -= 1


class QuickEngine(GatedEngine):
    """An engine on which whatever is started has run and ended well."""

    def _launch(self, name: UnitName, file: UnitFile | None) -> None:
        self.lives[name] = Life(Fate.EXITS, placed=-100, up=-99, file=file)


def an_engine(*names: UnitName) -> GatedEngine:
    """An engine that answers at once, with these units running."""
    engine = GatedEngine(SimClock())
    engine.add_running(*names)
    engine.gate.set()
    return engine


@contextmanager
def served(
    folder: Path, engine: SimEngine, login: Login = LOGIN, patience: float = 0.5, script: Script | None = None
) -> Iterator[Serving]:
    """The parts of a server whose jobs do nothing and end well."""
    (folder / "deployster.toml").write_text(PROJECT)
    clock = SystemClock()
    listing = Listing(engine, clock, SingleFlight(patience))
    jobs = Jobs(folder / "jobs.sqlite", script or Script(), changed=listing.changed)
    jobs.begin()
    try:
        yield Serving(load({}, {}, folder), lambda: engine, clock, login, listing, jobs)
    finally:
        jobs.stop(5)


@contextmanager
def over_http(serving: Serving) -> Iterator[str]:
    """The URL at which these parts are served, by a thread of this process."""
    host, port = free_address("127.0.0.1:0")
    loop = asyncio.new_event_loop()
    server = http_server(create_app(serving), ServeOptions(), host, port)
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), daemon=True)
    thread.start()
    _wait_listening(host, port)
    try:
        yield f"http://{host}:{port}"
    finally:
        loop.call_soon_threadsafe(serving.door.close)
        loop.call_soon_threadsafe(server.stop)
        thread.join(10)
        loop.close()


def _wait_listening(host: str, port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection((host, port)):
            return
        time.sleep(0.01)
    raise AssertionError("it does not listen")


class Client:
    """A client of the app in one event loop; it comes from the address ``peer``."""

    def __init__(self, app: FastAPI, peer: str, auth: tuple[str, str] | None) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 50000))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://deployster.test", auth=auth)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request, answered."""
        return self._runner.run(self.http.request(method, path, **given))

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)

    def all(self, *paths: str) -> list[httpx.Response]:
        """GETs at the same time."""

        async def worst_of() -> list[httpx.Response]:
            return await asyncio.gather(*(self.http.get(path) for path in paths))

        return self._runner.run(worst_of())

    def close(self) -> None:
        """End the loop."""
        self._runner.run(self.http.aclose())
        self._runner.close()


@contextmanager
def client_of(serving: Serving, peer: str = "203.0.113.7", *, logged_in: bool = True) -> Iterator[Client]:
    """A client that comes from that address."""
    auth = (serving.login.username, serving.login.password) if logged_in else None
    client = Client(create_app(serving), peer, auth)
    try:
        yield client
    finally:
        client.close()
