"""Names for the TAB key: the units there are, or a service's releases, from a cache that is seconds old or from one
quick look, or nothing.

The listing is made by a process of its own, which goes on when nobody waits any more: the next TAB then has its names.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.cli.completion import write
from deployster_cli.config.load import Settings, load, open_engine
from deployster_cli.domain.kinds import user_folder
from deployster_cli.domain.units.names import UnitName, check_service
from deployster_cli.engines import process
from deployster_cli.errors import DeploysterError

# Seconds that a TAB waits for a listing; Python's own start takes about as much as is missing to 0.3.
LIMIT = 0.2

# Seconds for which names are used again, and for which an engine that gave none is not asked again.
KEPT = 10.0

# Seconds of silence after which a server is given up, by the process that nobody waits for.
SERVER_LIMIT = 5.0

_LOOK = 0.01

Names = tuple[UnitName, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the cache says: the names, or (``pending``) that they have been asked for."""

    names: Names
    pending: bool


class Cache:
    """One engine's names in a file that only its owner can read. It is replaced whole, so nobody reads half of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, now: float) -> Kept | None:
        """Return what was kept within the last KEPT seconds; None where there is nothing, or nothing that can
        be read.
        """
        try:
            found = json.loads(self._path.read_text("utf-8"))
            if not 0 <= now - found["at"] < KEPT:
                return None
            names = map(UnitName.parse, found["names"])
            return Kept(tuple(name for name in names if name), bool(found["pending"]))
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

    def write(self, names: Iterable[UnitName], now: float, *, pending: bool = False) -> None:
        """Keep these. OSError where they can't be written."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"at": now, "pending": pending, "names": [name.text for name in names]})
        write(self._path, text, 0o600)


def cache_of(settings: Settings, environ: Mapping[str, str], service: str = "") -> Cache | None:
    """Where the names of these settings' engine are kept, or of a service's releases there, as the XDG base directories
    say; None without a home.
    """
    folder = user_folder(environ, "XDG_CACHE_HOME", ".cache")
    if not folder:
        return None
    which = repr((settings.server, settings.engine, settings.cluster, settings.engines, service))
    return Cache(Path(folder) / "deployster" / f"names-{hashlib.sha256(which.encode()).hexdigest()[:16]}.json")


def live_names(settings: Settings, flags: Mapping[str, str], environ: Mapping[str, str], service: str = "") -> Names:
    """Return the units' names, LIMIT seconds from now at the latest; none where they can't be had by then.

    With a service it is the first instance of each release of its history, newest first, whether that runs or not.
    ``flags`` are the options of the command line that the settings were made with. OSError where nothing can be kept.
    """
    cache = cache_of(settings, environ, service)
    if cache is None:
        return ()
    until = time.monotonic() + LIMIT
    kept = cache.read(time.time())
    if kept is None:
        cache.write((), time.time(), pending=True)
        argv = (sys.executable, "-P", "-m", __name__, json.dumps(flags), service)  # -P: nothing is imported from here
        process.detach(argv, log=os.devnull, env=environ)
        kept = _awaited(cache, until)
    return kept.names if kept else ()


def _awaited(cache: Cache, until: float) -> Kept | None:
    while time.monotonic() < until:
        time.sleep(_LOOK)
        kept = cache.read(time.time())
        if kept and not kept.pending:
            return kept
    return None


def refresh(flags: Mapping[str, str], environ: Mapping[str, str], here: Path, service: str = "") -> None:
    """Make the listing and keep its names; none where the engine, or the server in its place, gives none."""
    settings = load(flags, environ, here)
    cache = cache_of(settings, environ, service)
    if cache is None:
        return
    try:
        names = _of_server(settings, environ, service) if settings.server else _of_engine(settings, service)
    except (DeploysterError, ModuleNotFoundError):
        names = []
    cache.write(names, time.time())


def _of_engine(settings: Settings, service: str) -> list[UnitName]:
    if service:
        from deployster_cli.operations.releases import history  # only behind rollback

        return [UnitName(service, entry.version, 1) for entry in history(open_engine(settings), service)]
    return [unit.name for unit in open_engine(settings).units()]


def _of_server(settings: Settings, environ: Mapping[str, str], service: str) -> list[UnitName]:
    """Return what the server lists; nobody is asked for a login. ModuleNotFoundError where httpx is not installed."""
    from deployster_cli.backends.remote.connection import Connection, Sent  # pulls in httpx
    from deployster_cli.backends.remote.login import find_login
    from deployster_cli.backends.remote.payloads import entry_of, listed, unit_of

    server = Connection(settings.server, settings.server_ca, lambda: find_login(settings.server, environ, None))
    with closing(server):
        if service:
            found = server.ask(Sent("GET", f"/v1/services/{check_service(service)}/history", silence=SERVER_LIMIT))
            return [UnitName(service, entry_of(entry).version, 1) for entry in listed(found, "history")]
        found = server.ask(Sent("GET", "/v1/units", silence=SERVER_LIMIT))
    return [unit_of(unit).name for unit in listed(found, "units")]


if __name__ == "__main__":
    refresh(json.loads(sys.argv[1]), os.environ, Path.cwd(), sys.argv[2])
