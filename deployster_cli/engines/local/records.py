"""Records on one machine: what was asked of a service last is a file a service, which outlives a reboot."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from deployster_cli.domain.record import Record
from deployster_cli.domain.units.unitfile import parse_options, write_options
from deployster_cli.engines.local.unit_folder import told, write
from deployster_cli.errors import TemplateFault


class LocalRecords:
    """engines.base.Records in a folder. A file is written whole or not at all, and anybody may read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listed(self, service: str) -> bool:
        """Whether there is one: looking costs nothing here."""
        return os.path.lexists(self._path(service))

    def read(self, service: str) -> Record | None:
        """Return the record; a file that is something else is none."""
        with told(self._folder), contextlib.suppress(FileNotFoundError, UnicodeDecodeError, TemplateFault):
            record = Record.read(parse_options(self._path(service).read_text(encoding="utf-8")))
            return record if record and record.service == service else None
        return None

    def write(self, record: Record) -> None:
        """Write the record in place of the one that may be there."""
        draft = self._folder / f".{record.service}.{os.getpid()}.draft"
        with told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            write(draft, write_options(record.options()), 0o644)
            draft.replace(self._path(record.service))

    def drop(self, service: str) -> None:
        """Remove the record."""
        with told(self._folder):
            self._path(service).unlink(missing_ok=True)

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.record"
