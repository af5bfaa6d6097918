"""Records on fleet: what was asked of a service last is a unit that is submitted and never started, as a lock is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployster_cli.domain.record import Record, unit_name
from deployster_cli.domain.units.unitfile import write_options
from deployster_cli.engines.fleet import commands, results
from deployster_cli.engines.fleet.calls import SLEEPS, Calls, put
from deployster_cli.engines.fleet.declaration import FleetOptions
from deployster_cli.engines.fleet.tempfolders import folder


class FleetRecords:
    """engines.base.Records over fleetctl. ``listed`` gives what the last listing showed: the record's unit → its hash.

    What was read once is not asked for again until a listing shows another hash.
    """

    def __init__(self, options: FleetOptions, calls: Calls, listed: Callable[[], Mapping[str, str]]) -> None:
        self._options = options
        self._calls = calls
        self._listed = listed
        self._known: dict[str, tuple[str, Record | None]] = {}

    def listed(self, service: str) -> bool:
        """Whether the last listing had one."""
        return unit_name(service) in self._listed()

    def read(self, service: str) -> Record | None:
        """Return the record in the registry; a unit of that name that is something else is none."""
        unit = unit_name(service)
        run = self._listed().get(unit, "")
        known = self._known.get(service)
        if known and run and known[0] == run:
            return known[1]
        options = results.unit_options(self._calls.read(commands.cat(self._options, unit)), unit)
        record = None if options is None else Record.read(options)
        record = record if record and record.service == service else None
        self._known[service] = run, record
        return record

    def write(self, record: Record) -> None:
        """Submit the record in place of the one that may be there."""
        with folder() as at:
            put(at, {record.unit: write_options(record.options())})
            argv = commands.submit(self._options, str(at), [record.unit], replace=True)
            self._calls.note(argv, results.answer, SLEEPS)

    def drop(self, service: str) -> None:
        """Destroy the record."""
        self._calls.note(commands.destroy(self._options, [unit_name(service)]), results.removed)
