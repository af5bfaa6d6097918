"""The machine's systemd as manager of our units: the system's, or the one of an ordinary user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployster_cli.domain.kinds import user_folder
from deployster_cli.domain.units import asking
from deployster_cli.domain.units.journal import lines_of
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.journal import Exported
from deployster_cli.engines.local import commands, parse
from deployster_cli.engines.local.calls import NOT_LOADED, call
from deployster_cli.engines.local.declaration import LocalOptions
from deployster_cli.engines.local.locks import LocalLocks
from deployster_cli.engines.local.parse import Shown
from deployster_cli.engines.local.records import LocalRecords
from deployster_cli.engines.local.supervisor.layout import state_folder
from deployster_cli.engines.local.unit_folder import UnitFolder
from deployster_cli.errors import EngineError

SYSTEM_UNITS = Path("/etc/systemd/system")

# Is there when systemd is PID 1 (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")


def system_runs() -> bool:
    """Whether systemd runs this machine."""
    return _BOOTED.is_dir()


def user_runs() -> bool:
    """Whether this user has a manager of their own that answers here."""
    return os.access(_runtime_folder() / "systemd" / "private", os.F_OK)  # never raises: it may be another user's


class Systemd:
    """systemd through its systemctl and journalctl."""

    def __init__(self, options: LocalOptions, *, user: bool) -> None:
        self._options = options
        self._user = user
        self._base = commands.systemd(user=user)
        path = _config_folder() / "systemd" / "user" if user else SYSTEM_UNITS
        self.folder = UnitFolder(path, "default.target" if user else "multi-user.target")
        self.locks = LocalLocks((_runtime_folder() if user else Path("/run")) / "deployster" / "locks")
        self.records = LocalRecords((state_folder() if user else Path("/var/lib")) / "deployster" / "records")

    def missing(self) -> str:
        """Why this systemd answers nobody here, in one sentence; empty where it does."""
        if self._user and not user_runs():
            return "No systemd user manager runs for this user: have an admin run loginctl enable-linger for it."
        if not self._user and not system_runs():
            return "systemd does not run this machine, so its units can't be managed; take another manager."
        return ""

    def check(self) -> str:
        """Why units can't be run, in one sentence; empty where they can."""
        if why := self.missing():
            return why
        if not self.folder.writable():
            return f"Unit files can't be written to {self.folder.path}: run as root, or as a user with a user manager."
        return ""

    def states(self) -> dict[str, Shown]:
        """Return what systemd shows of all units with names like ours, in one call."""
        return parse.parse_show(call(commands.show(self._base), self._options.read_timeout, env=_env()))

    def start(self, names: Sequence[UnitName]) -> None:
        """Have systemd read the files, then start these."""
        self._reload()
        call(commands.start(self._base, names), self._options.write_timeout, env=_env())

    def stop(self, names: Sequence[UnitName]) -> None:
        """Stop these, those that are not loaded excepted: they hold nothing."""
        call(commands.stop(self._base, names), self._options.write_timeout, fine=(0, NOT_LOADED), env=_env())

    def remove(self, names: Sequence[UnitName]) -> None:
        """Remove the files, have systemd know it, and forget how the units ended (exit 1: it had already)."""
        for name in names:
            self.folder.remove(name)
        self._reload()
        call(commands.reset_failed(self._base, names), self._options.write_timeout, fine=(0, 1), env=_env())

    def journal(self, name: UnitName, lines: int) -> Iterator[str]:
        """Yield the end of the unit's journal; "-- No entries --" is journalctl's own line for an empty one."""
        argv = commands.journal(name, lines, user=self._user)
        return iter(lines_of(call(argv, self._options.read_timeout, fine=(0, 1), env=_env())))

    def entries(self, name: UnitName, lines: int | None, *, follow: bool, after: str) -> Exported:
        """Return the end of the unit's journal, whole, or what came behind a cursor."""
        argv = commands.entries(name, lines, user=self._user, follow=follow, after=after)
        limit = None if follow else self._options.read_timeout
        if (after or lines is None) and not (follow or self._user):
            process.run(commands.synced(), limit=self._options.read_timeout, env=_env())  # what root alone may ask for
        return Exported(process.Stream(argv, env=_env(), limit=limit), _judged)

    def exit_code(self, name: UnitName) -> int | None:
        """As systemd has it."""
        return asking.exit_code(call(commands.ended(self._base, name), self._options.read_timeout, env=_env()))

    def _reload(self) -> None:
        call(commands.reload(self._base), self._options.write_timeout, env=_env())


def _judged(done: process.Completed) -> None:
    """EngineError for a journalctl that ended badly; exit 1 is an empty journal."""
    if done.code not in (0, 1):
        said = done.err.strip() or "it printed nothing"
        raise EngineError(f"journalctl failed with exit code {done.code}: {said}", argv=done.argv, code=done.code)


def _env() -> dict[str, str]:
    """Ours, in plain C words, and with the way to the user's manager, which sudo and cron leave out."""
    return {**os.environ, "LC_ALL": "C", "XDG_RUNTIME_DIR": str(_runtime_folder()), "SYSTEMD_COLORS": "0"}


def _runtime_folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}")


def _config_folder() -> Path:
    return Path(user_folder(os.environ, "XDG_CONFIG_HOME", ".config") or Path.home() / ".config")
