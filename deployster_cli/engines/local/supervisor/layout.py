"""Where the local engine keeps what it knows, and where things lie below that where systemd doesn't run the units."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from deployster_cli.domain.kinds import user_folder
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.local.parse import State
from deployster_cli.errors import EngineMissing


class Layout:
    """The paths below one state folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.units = root / "supervisor" / "units"
        self.notes = root / "supervisor" / "notes"
        self.journals = root / "supervisor" / "journals"
        self.locks = root / "locks"
        self.records = root / "records"
        self.former = root / "systemctl3" / "tree" / "etc" / "systemd" / "system"
        """The units of Deployster 1, which had another program run them."""

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that are written to."""
        return (self.root, self.locks, self.units, self.notes, self.journals)

    def journal(self, name: UnitName) -> Path:
        """Return what the unit's processes write."""
        return self.journals / f"{name.text}.log"

    def log(self, name: UnitName) -> Path:
        """Return what its supervisor says."""
        return self.notes / f"{name.text}.log"

    def state(self, name: UnitName) -> Path:
        """Its state as its supervisor last knew it."""
        return self.notes / f"{name.text}.state"

    def lock(self, name: UnitName) -> Path:
        """Return what its supervisor holds locked for as long as it lives."""
        return self.notes / f"{name.text}.lock"

    def stop(self, name: UnitName) -> Path:
        """Is there once the unit's stop was asked for."""
        return self.notes / f"{name.text}.stop"

    def prepare(self, name: UnitName) -> None:
        """Make what must be there before a unit's start; all of it for its owner alone."""
        for folder in (self.notes, self.journals):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.journal(name).touch(mode=0o600)

    def clear(self, name: UnitName) -> None:
        """Remove everything of a unit that is over but its unit file."""
        for path in (self.journal(name), self.log(name), self.stop(name), self.state(name), self.lock(name)):
            path.unlink(missing_ok=True)


def write_state(path: Path, state: State) -> bool:
    """Whether the state could be noted: whole or not at all, but over the last one where the disk has no room left."""
    draft = path.with_suffix(".draft")
    for target, mode in ((draft, "w"), (path, "r+")):
        with contextlib.suppress(OSError), target.open(mode) as file:
            file.write(state.text)
            file.flush()
            target.replace(path)
            return True
    return False


def state_folder() -> Path:
    """Where this user's programs keep what they know."""
    try:
        return Path(user_folder(os.environ, "XDG_STATE_HOME", ".local/state") or Path.home() / ".local" / "state")
    except RuntimeError as error:
        raise EngineMissing(
            "This user has no home: name a state folder by root in [local] or XDG_STATE_HOME."
        ) from error
