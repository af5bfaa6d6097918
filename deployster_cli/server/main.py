"""A server from its settings to its end: the address, the certificate, the log, granian, and the way out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import ssl
import stat
import sys
import threading
from pathlib import Path
from typing import NoReturn

from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from deployster_cli.config.load import ServeOptions, Settings, open_engine
from deployster_cli.domain.limits import HIGHEST_PORT
from deployster_cli.engines.process import end_all
from deployster_cli.errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, ConfigError, DeploysterError
from deployster_cli.operations.clock import SystemClock
from deployster_cli.server.app import create_app
from deployster_cli.server.jobs.queue import open_jobs
from deployster_cli.server.middleware.access_log import JsonLines
from deployster_cli.server.middleware.credentials import Login, is_loopback, login, weakness
from deployster_cli.server.state import Serving
from deployster_cli.server.streams.listing import Listing

# Seconds for the answers under way once the server is told to stop.
LAST_ANSWERS = 4

# Seconds for the steps that jobs are in.
LAST_STEPS = 7.0

# Seconds after which the process ends whatever still holds it: the next one goes on with the jobs.
HARD_END = 9.0


# Bytes of a request's head.
MOST_HEAD = 128 * 1024

# Seconds for a TLS handshake and a request's head, from the beginning of a connection or the end of an answer.
LONGEST_HEAD = 20

# Connections that are served at a time. An open stream is one. Others wait until one ends.
MOST_CONNECTIONS = 1500

# Open files left for all else: the calls of the engine, the jobs.
SPARE_FILES = 500

# Logger → from which level on it is written.
_LOGGED = (("deployster", logging.INFO), ("asyncio", logging.WARNING))

_log = logging.getLogger("deployster.server")


def serve(settings: Settings) -> NoReturn:
    """Serve until SIGTERM or Ctrl-C, and end the process. DeploysterError where it can't begin."""
    options = settings.serve
    check_certificate(options)
    known = login(options)
    state = state_folder(options)
    host, port = free_address(options.listen)
    log_to_stderr()
    stopped_by = asyncio.run(_run(assemble(settings, known, state), host, port))
    _log.info("stopped")
    sys.stderr.flush()
    code = EXIT_INTERRUPTED if stopped_by == signal.SIGINT else EXIT_DONE
    os._exit(EXIT_FAILED if stopped_by is None else code)  # granian's threads crash Python's own end


def assemble(settings: Settings, known: Login, state: Path) -> Serving:
    """Return the parts of a server with these settings, its jobs kept in the folder ``state``."""
    clock = SystemClock()
    listing = Listing(open_engine(settings), clock)
    jobs = open_jobs(state / "jobs.sqlite", settings, lambda: open_engine(settings), listing.changed)
    return Serving(settings, lambda: open_engine(settings), clock, known, listing, jobs)


def _leave() -> None:
    """End at once, whatever still runs, and leave no call of an engine's behind."""
    end_all()
    os._exit(EXIT_FAILED)


def http_server(app: FastAPI, options: ServeOptions, host: str, port: int) -> Server:
    """Return what speaks HTTP for the app; it logs nothing, as the app itself does."""
    return Server(
        app,
        host,
        port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2048,
        backpressure=most_connections(),
        http1_settings=HTTP1Settings(header_read_timeout=LONGEST_HEAD * 1000, max_buffer_size=MOST_HEAD),
        log_enabled=False,
        ssl_cert=Path(options.cert) if options.cert else None,
        ssl_key=Path(options.key) if options.key else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )


def most_connections() -> int:
    """How many connections there are files for, at most MOST_CONNECTIONS; raises the limit as far as need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
    return max(may - SPARE_FILES, may // 2)


async def _run(serving: Serving, host: str, port: int) -> int | None:
    """Serve until a signal comes, and answer which; None where what speaks HTTP ends by itself. The jobs end their
    steps while the answers under way are given.
    """
    server = http_server(create_app(serving), serving.settings.serve, host, port)
    signals = _signals()
    running = asyncio.create_task(server.serve())
    await _until_listening(running, host, port)
    serving.jobs.begin()
    _say_how(serving, host, port)
    signalled = asyncio.create_task(signals.get())
    await asyncio.wait({signalled, running}, return_when=asyncio.FIRST_COMPLETED)
    stopped_by = signalled.result() if signalled.done() else None
    if stopped_by is None:
        _log.error("the HTTP server ended by itself: %s", running.exception() or "it does not say why")
    asyncio.create_task(_leave_at_second_ctrl_c(signals))  # noqa: RUF006 - it ends with the loop
    end = threading.Timer(HARD_END, _leave)
    end.daemon = True
    end.start()
    serving.door.close()
    server.stop()  # type: ignore[no-untyped-call]
    jobs, _ = await asyncio.gather(
        asyncio.to_thread(serving.jobs.stop, LAST_STEPS), asyncio.wait({running}, timeout=LAST_ANSWERS)
    )
    if not jobs:
        _log.warning("a job was still in the middle of a step; the next server goes on with it")
    end_all()
    return stopped_by


def _signals() -> asyncio.Queue[int]:
    """Return the signals that end a server, as they come."""
    loop, came = asyncio.get_running_loop(), asyncio.Queue[int]()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN:  # which is nohup's
            loop.add_signal_handler(one, came.put_nowait, one)
    return came


async def _leave_at_second_ctrl_c(signals: asyncio.Queue[int]) -> None:
    while await signals.get() != signal.SIGINT:
        pass
    _leave()


async def _until_listening(running: asyncio.Task[None], host: str, port: int) -> None:
    """Until a connection is accepted; DeploysterError where the server ends instead."""
    while not running.done():
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    why = str(running.exception() or "it ended at once").partition("\n")[0]
    raise DeploysterError(f"{host} can't be listened on at port {port}: {why}.", "See --listen, --cert and --key.")


def free_address(listen: str) -> tuple[str, int]:
    """Return the address and port to listen on, its port chosen where 0 is asked for.

    ConfigError for what is no address, DeploysterError where it can't be had.
    """
    host, port = _address(listen)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET6) if not host else found[0]
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            bound: tuple[str, int] = sock.getsockname()[:2]
            return bound
    except OSError as error:
        raise DeploysterError(f"{listen} can't be listened on: {error.strerror or error}.", "See --listen.") from error


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > HIGHEST_PORT:
        raise ConfigError(f"--listen: TCP ports are 0 to {HIGHEST_PORT}.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def check_certificate(options: ServeOptions) -> None:
    """ConfigError for files of --cert and --key that can't be used."""
    if bool(options.cert) != bool(options.key):
        raise ConfigError("HTTPS takes a certificate and its key: --cert and --key go together.")
    if not options.cert:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.cert, options.key, _no_passphrase)
    except ssl.SSLError as error:
        why = (error.reason or "that is no certificate or no key").replace("_", " ").lower()
        raise ConfigError(f"{options.cert} and {options.key} can't be used: {why}.") from error
    except OSError as error:
        raise ConfigError(f"{options.cert} or {options.key} can't be read: {error.strerror}.") from error


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
    """Return the files with secrets that every user of this machine can read."""
    files = [Path(file) for file in (options.password_file, options.key) if file]
    return [str(file) for file in files if file.stat().st_mode & stat.S_IROTH]


def log_to_stderr() -> None:
    """One JSON line an event."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, level in _LOGGED:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)


def _say_how(serving: Serving, host: str, port: int) -> None:
    options, known = serving.settings.serve, serving.login
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
