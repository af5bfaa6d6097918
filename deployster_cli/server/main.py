"""A server from its settings to its end: the socket, the certificate, the log, uvicorn, and the way out."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import stat
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from deployster_cli.config.load import ServeOptions, Settings, open_engine
from deployster_cli.domain.limits import HIGHEST_PORT
from deployster_cli.engines.process import end_all
from deployster_cli.errors import EXIT_FAILED, ConfigError, DeploysterError
from deployster_cli.operations.clock import SystemClock
from deployster_cli.server.app import create_app
from deployster_cli.server.connections import Crowd, bounded, room, shaking_hands
from deployster_cli.server.jobs.queue import open_jobs
from deployster_cli.server.middleware.access_log import JsonLines
from deployster_cli.server.middleware.credentials import Login, is_loopback, login, weakness
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing

LAST_ANSWERS = 4
"""Seconds for the answers under way once the server is told to stop."""

LAST_STEPS = 7.0
"""Seconds for the steps that jobs are in."""

HARD_END = 9.0
"""Seconds after which the process ends whatever still holds it: the next one goes on with the jobs."""


_LOGGED = (("deployster", logging.INFO), ("uvicorn.error", logging.WARNING), ("asyncio", logging.WARNING))
"""Logger → from which level on it is written."""

_log = logging.getLogger("deployster.server")


def serve(settings: Settings) -> None:
    """Serve until SIGTERM; KeyboardInterrupt where it was Ctrl-C. DeploysterError where it can't begin."""
    options = settings.serve
    context = certificate(options)
    known = login(options)
    state = state_folder(options)
    with listener(options.listen) as sock:
        log_to_stderr()
        serving = assemble(settings, known, state)
        _run(create_app(serving), serving, sock, context)


def assemble(settings: Settings, known: Login, state: Path) -> Serving:
    """The parts of a server with these settings, its jobs kept in the folder ``state``."""
    clock = SystemClock()
    listing = Listing(open_engine(settings), clock)
    jobs = open_jobs(state / "jobs.sqlite", settings, lambda: open_engine(settings), listing.changed)
    return Serving(settings, lambda: open_engine(settings), clock, known, listing, jobs)


class Server(uvicorn.Server):
    """uvicorn, with our way out: the jobs end their steps while the answers under way are given."""

    def __init__(self, config: uvicorn.Config, serving: Serving) -> None:
        super().__init__(config)
        self._serving = serving
        self.stopped_by = 0

    def handle_exit(self, sig: int, frame: object) -> None:  # noqa: ARG002 - uvicorn's signature
        """Note the signal; the main loop looks ten times a second. A second Ctrl-C ends it at once."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        self.stopped_by = sig

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say how it is served once it is: whoever reads that may ask, and may end it."""
        await super().startup(sockets)
        self._serving.jobs.begin()
        for sock in sockets or ():
            _say_how(self._serving, sock)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, let what is under way end, and be gone within HARD_END seconds."""
        end = threading.Timer(HARD_END, _leave)
        end.daemon = True
        end.start()
        self._serving.door.close()
        jobs = asyncio.create_task(asyncio.to_thread(self._serving.jobs.stop, LAST_STEPS))
        await super().shutdown(sockets)
        if not await jobs:
            _log.warning("a job was still in the middle of a step; the next server goes on with it")
        end_all()


def _leave() -> None:
    """End at once, whatever still runs, and leave no call of an engine's behind."""
    end_all()
    os._exit(EXIT_FAILED)


def _run(app: FastAPI, serving: Serving, sock: socket.socket, context: ssl.SSLContext | None) -> None:
    http = bounded(AutoHTTPProtocol, Crowd(room()))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=shaking_hands(http, context) if context else http,
        loop="asyncio",  # uvloop takes one new connection a turn: with 200 at once the last ones wait for seconds
        ws="none",
        lifespan="off",
        workers=1,
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    server = Server(config, serving)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which is nohup's
        signal.signal(signal.SIGHUP, server.handle_exit)
    server.run([sock])
    _log.info("stopped")
    if server.stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


def listener(listen: str) -> socket.socket:
    """The socket that listens there; ConfigError for what is no address, DeploysterError where it can't be had."""
    host, port = _address(listen)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET6) if not host else found[0]
        return _bound(family, address, dual=not host)
    except OSError as error:
        raise DeploysterError(f"{listen} can't be listened on: {error.strerror or error}.", "See --listen.") from error


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > HIGHEST_PORT:
        raise ConfigError(f"--listen: TCP ports are 0 to {HIGHEST_PORT}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _bound(family: int, address: tuple[object, ...], *, dual: bool) -> socket.socket:
    """``dual``: IPv6 with IPv4 on the same socket, as Go has it for ``:3000``."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError:
        sock.close()
        raise
    return sock


def certificate(options: ServeOptions) -> ssl.SSLContext | None:
    """What HTTPS needs, None where neither file is named. ConfigError for files that can't be used."""
    if bool(options.cert) != bool(options.key):
        raise ConfigError("HTTPS takes a certificate and its key: --cert and --key go together.")
    if not options.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.cert, options.key, _no_passphrase)
    except ssl.SSLError as error:
        why = (error.reason or "that is no certificate or no key").replace("_", " ").lower()
        raise ConfigError(f"{options.cert} and {options.key} can't be used: {why}.") from error
    except OSError as error:
        raise ConfigError(f"{options.cert} or {options.key} can't be read: {error.strerror}.") from error
    return context


def _no_passphrase() -> str:
    raise ConfigError("The key given with --key is encrypted; give one that is not, readable by this user alone.")


def state_folder(options: ServeOptions) -> Path:
    """Where the jobs are kept, made for this user alone. DeploysterError where it can't be."""
    if not options.state:
        raise ConfigError("There is no place for the jobs: neither HOME nor XDG_STATE_HOME is set.", "Give --state.")
    folder = Path(options.state)
    try:
        for parent in reversed(folder.parents):  # parents=True would make them as the umask has it
            if not parent.exists():
                parent.mkdir(exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise DeploysterError(f"{folder} can't be made: {error.strerror}.", "See --state.") from error
    if folder.stat().st_mode & stat.S_IWOTH:  # who writes jobs there has them carried out
        raise DeploysterError(f"{folder} can be written to by every user of this machine.", "chmod o-w it.")
    return folder


def exposed(options: ServeOptions) -> list[str]:
    """The files with secrets that every user of this machine can read."""
    files = [Path(file) for file in (options.password_file, options.key) if file]
    return [str(file) for file in files if file.stat().st_mode & stat.S_IROTH]


def log_to_stderr() -> None:
    """One JSON line an event, uvicorn's among them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in _LOGGED:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def _say_how(serving: Serving, sock: socket.socket) -> None:
    options, known = serving.settings.serve, serving.login
    host, port = sock.getsockname()[:2]
    scheme = "https" if options.cert else "http"
    _log.info("listening on %s://%s:%s", scheme, f"[{host}]" if ":" in host else host, port)
    if known.well_known:
        _log.warning("the password is the well-known default: only this machine is let in; set --password-file")
    elif weak := weakness(known):
        _log.warning("the password %s: it can be guessed; use a long one", weak)
    if serving.settings.sources.get("serve.password", "").startswith("flag"):
        _log.warning("--password shows in the list of processes; use --password-file or DEPLOYSTER_SERVE_PASSWORD")
    for file in exposed(options):
        _log.warning("%s can be read by every user of this machine", file)
    if not options.cert and not known.well_known and not is_loopback(host):
        _log.warning("without --cert and --key the password crosses the network in the clear")
