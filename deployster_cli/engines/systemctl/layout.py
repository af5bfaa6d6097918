"""Where things lie below the local engine's state folder when systemctl3 runs the units."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from deployster_cli.domain.names import UnitName


class Layout:
    """The paths below one state folder. systemctl3 (1.7) fixes those in the tree; a test asks it for them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = root / "systemctl3" / "tree"
        """Three parts deep whatever ``root`` is: systemctl3 puts its root in front of paths twice below less."""
        self.jobs = root / "systemctl3" / "jobs"
        self.units = self.tree / "etc" / "systemd" / "system"
        self.locks = root / "locks"
        self.records = root / "records"
        self._notes = self.tree / "run" / "systemd"
        self._journals = self.tree / "var" / "log" / "journal"

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that we and systemctl3 write to; it writes to some of them even for a look at the units."""
        run = self._notes.parent
        return (self.root, self.locks, self.jobs, self.tree, run, self._notes, self._journals, self.units)

    def journal(self, name: UnitName) -> Path:
        """What the unit's processes write."""
        return self._journals / f"{name.text}.log"

    def status(self, name: UnitName) -> Path:
        """systemctl3's own notes on the unit."""
        return self.tree / "run" / f"{name.text}.status"

    def overrides(self, name: UnitName) -> Path:
        """The drop-in that says to systemctl3 what the unit file says to systemd."""
        return self.units / f"{name.text}.d" / "deployster.conf"

    def log(self, name: UnitName) -> Path:
        """What systemctl3 said while it started or stopped the unit."""
        return self.jobs / f"{name.text}.log"

    def prepare(self, name: UnitName) -> None:
        """Make what must be there before a unit's first start; all of it for its owner alone.

        systemctl3 makes its run folder for a user itself, where there is none, but two that start at once stumble.
        """
        for folder in (self.jobs, self._notes, self._journals, self.tree / f"run-{os.geteuid()}"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.journal(name).touch(mode=0o600)

    def clear(self, name: UnitName) -> None:
        """Remove everything of a unit that is over but its unit file and its job."""
        lock = self._notes / f"{name.text}.lock"
        for path in (self.journal(name), self.status(name), self.log(name), lock, self.overrides(name)):
            path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.overrides(name).parent.rmdir()
