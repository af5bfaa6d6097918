"""The folder that holds unit files: ours in it, which of them are wanted, and which are on their way out.

A unit of ours has a name of ours, is a plain file and carries an ``[X-Deployster]`` that names it: /etc/systemd/system
has other people's files too, some with names like ours. Those are foreign; no other file in the folder is read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.unitfile import STAMP_SECTION, UnitFile
from deployster_cli.errors import EngineError, EngineMissing, OutputUnreadable, TemplateFault

# Bytes: a unit file, its notes and the beginning of its journal.
_ROOM = 64 * 1024

_STAMPED = f"\n[{STAMP_SECTION}]\n"

# What every stamp has beside the unit's name.
_WHOLE = {"DeployedAt", "DeployedBy", "Template"}

_PORT = re.compile(r"^Port=([0-9]{1,5})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Held:
    """One unit as the folder has it. ``leaving``: destroyed, and kept only until its stop is over."""

    name: UnitName
    text: str
    wanted: bool
    leaving: bool

    @property
    def hash(self) -> str:
        """UnitFile.hash of what we wrote, whose text is canonical; some other hash once somebody edits the file."""
        return hashlib.sha1(self.text.encode(errors="surrogateescape"), usedforsecurity=False).hexdigest()

    @property
    def foreign(self) -> bool:
        """Whether it has no whole stamp that names it. Looked for as the port is."""
        lines = self._stamp.split("\n")
        named = {f"Service={self.name.service}", f"Version={self.name.version}", f"Instance={self.name.instance}"}
        whole = {line.partition("=")[0] for line in lines}
        return bool(self.name.made) or not (named <= set(lines) and whole >= _WHOLE)

    @property
    def port(self) -> int | None:
        """The port that the stamp names. Looked for, not parsed: a listing reads hundreds of files, some damaged."""
        found = _PORT.search(self._stamp)
        return int(found.group(1)) if found else None

    @property
    def _stamp(self) -> str:
        return f"\n{self.text}".partition(_STAMPED)[2].partition("\n[")[0]

    @property
    def file(self) -> UnitFile:
        """The unit file; OutputUnreadable where somebody damaged it."""
        try:
            return UnitFile.parse(self.name, self.text)
        except TemplateFault as fault:
            raise OutputUnreadable(f"the unit file of {self.name.text} was damaged: {fault.message}") from fault


class UnitFolder:
    """A folder of unit files at ``path``, where ``target`` (multi-user.target, …) wants what shall run.

    The symlink in the target's ``.wants`` folder is what ``systemctl enable`` would make: it is the mark that a unit
    is meant to run, and it is why systemd starts it again after a reboot.
    """

    def __init__(self, path: Path, target: str) -> None:
        self.path = path
        self._wants = path / f"{target}.wants"

    def held(self) -> tuple[Held, ...]:
        """Every unit with a name of ours, by name."""
        found = (self.get(name) for name in self._names())
        return tuple(sorted((held for held in found if held), key=lambda held: held.name))

    def get(self, name: UnitName) -> Held | None:
        """One unit, or None where the folder has no plain file of that name."""
        text = self._text(name)
        if text is None:
            return None
        return Held(name, text, os.path.lexists(self._want(name)), os.path.lexists(self._mark(name)))

    def put(self, file: UnitFile) -> bool:
        """Write a unit file, whole or not at all; False where the very same is there already.

        EngineError where the name is taken by other content. Readable by its owner alone: env values may be secrets.
        """
        if _STAMPED not in f"\n{file.text}":
            raise EngineError(f"{file.name.text} carries no [{STAMP_SECTION}], so it would not be found again.")
        draft = self.path / f".{file.name.text}.{os.getpid()}.draft"
        with told(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            _check_room(self.path)
            write(draft, file.text, 0o600)
            try:
                os.link(draft, self._file(file.name))
            except FileExistsError:
                self._refuse_other(file)
                return False
            finally:
                draft.unlink()
        return True

    def has(self, file: UnitFile) -> bool:
        """Whether the folder has this very file; EngineError where it has another of that name."""
        if not os.path.lexists(self._file(file.name)):
            return False
        self._refuse_other(file)
        return True

    def want(self, name: UnitName) -> None:
        """Mark a unit as meant to run."""
        with told(self._wants):
            self._wants.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self._want(name).symlink_to(f"../{name.text}")

    def unwant(self, name: UnitName) -> None:
        """Take the mark away."""
        with told(self._wants):
            self._want(name).unlink(missing_ok=True)

    def mark(self, name: UnitName) -> None:
        """Mark a unit as destroyed; its file stays until it has stopped.

        systemd drops what is left of a running ExecStop list when the file vanishes under it ("Current command
        vanished from the unit file, execution of the command list won't be resumed", 252).
        """
        with told(self.path):
            self.unwant(name)
            self._mark(name).touch(mode=0o600)

    def remove(self, name: UnitName) -> None:
        """Take a unit out: its file last, so that what was begun is seen until it is done."""
        with told(self.path):
            self.unwant(name)
            self._file(name).unlink(missing_ok=True)
            self._mark(name).unlink(missing_ok=True)

    def writable(self) -> bool:
        """Whether unit files can be put here."""
        return not refusal(self.path)

    def _refuse_other(self, file: UnitFile) -> None:
        if self._text(file.name) != file.text:
            raise EngineError(
                f"{file.name.text} is in {self.path} already, with other content; nothing was started.",
                hint=f"Destroy it first, or look at {self._file(file.name)}.",
            )

    def _names(self) -> Iterator[UnitName]:
        with told(self.path):
            entries = [entry.name for entry in self.path.iterdir()] if self.path.is_dir() else []
        return (name for name in map(UnitName.parse, entries) if name)

    def _text(self, name: UnitName) -> str | None:
        path = self._file(name)
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return None
            return path.read_text(errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EngineMissing(
                f"{path} can't be read: {error.strerror}.", "Run as the user that this unit file belongs to."
            ) from error

    def _file(self, name: UnitName) -> Path:
        return self.path / name.text

    def _want(self, name: UnitName) -> Path:
        return self._wants / name.text

    def _mark(self, name: UnitName) -> Path:
        return self.path / f".{name.text}.leaving"


def write(draft: Path, text: str, mode: int) -> None:
    """Write a new file that is on the disk when this returns; what a run that was killed left of it goes first."""
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fchmod(out.fileno(), mode)
        os.fsync(out.fileno())


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """Say in one sentence that a folder can't be used. EngineMissing: no waiting gives a user the right to it."""
    try:
        yield
    except OSError as error:
        raise EngineMissing(
            f"{error.filename or folder} can't be used: {error.strerror or error}.",
            cure(error, f"The local engine needs a folder that this user can read and write: {folder}."),
        ) from error


def cure(error: OSError, of_rights: str) -> str:
    """Return what helps against a failed write: room where the disk is full, else the right to write."""
    return "Make room there." if error.errno in {errno.ENOSPC, errno.EDQUOT} else of_rights


def _check_room(folder: Path) -> None:
    """EngineError where the disk has no room for what a unit and its start write: its start would fail untold."""
    found = os.statvfs(folder)
    if found.f_bavail * found.f_frsize < _ROOM:
        raise EngineError(f"{folder} has no room left on its disk; nothing was started.", "Make room there.")


def refusal(folder: Path) -> str:
    """Why nothing can be put into a folder, there or still to be made; empty where something can. Changes nothing."""
    for place in (folder, *folder.parents):
        try:
            mode = place.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{place}: {error.strerror}"
        if not stat.S_ISDIR(mode):
            return f"{place}: Not a directory"
        return "" if os.access(place, os.R_OK | os.W_OK | os.X_OK) else f"{place}: no right to write there"
    return f"{folder}: No such file or directory"
