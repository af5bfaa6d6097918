"""Private folders for the files that are handed to fleetctl, and the leftovers of runs that were killed.

The files may hold secrets (values of --env), and nobody tidies up after a kill -9. So each folder's name says whose it
is, and whoever makes the next one removes those whose owner is dead.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from deployster_cli.engines.process.kin import alive
from deployster_cli.errors import EngineError

# The owner's process and its process namespace: the folder may be shared with containers that count anew.
_NAME = re.compile(r"deployster-([1-9][0-9]{0,8})-([0-9]+)-\w+")

_PRIVATE = 0o700


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Give a private folder that is gone afterwards. fleetctl looks for files and templates beside the paths it is
    given.
    """
    import tempfile  # slow to import, and listings need none

    try:
        base = _runtime_folder() or Path(tempfile.gettempdir())
        _sweep(base)
        made = tempfile.TemporaryDirectory(prefix=f"deployster-{os.getpid()}-{_namespace()}-", dir=base)
    except OSError as error:
        raise EngineError(f"No temporary folder can be made: {error.strerror}. Nothing was started.") from error
    with made as path:
        yield Path(path)


def _runtime_folder() -> Path | None:
    """Return the user's own folder in memory, where there is one that nobody else can look into."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = named.startswith("/") and _is_ours(Path(named)) and os.access(named, os.W_OK | os.X_OK)
    return Path(named) if usable else None


def _sweep(base: Path) -> None:
    """Remove our user's folders of dead processes. What can't be removed is left: it is in nobody's way."""
    import shutil  # tempfile has imported it

    try:
        found = list(base.iterdir())
    except OSError:  # a folder in which we may write and not look
        return
    for path in found:
        owner = _NAME.fullmatch(path.name)
        if owner and owner[2] == _namespace() and not alive(int(owner[1])) and _is_ours(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Whether it is a folder (no link to one) of this user, closed to everybody else."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == _PRIVATE


def _namespace() -> str:
    """Return a number for the process namespace that we are in; 0 where the system has none."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"
