"""Records on machines any of which may be away: what was asked of a service last, a copy on each."""

from __future__ import annotations

from collections.abc import Callable

from deployster_cli.domain.record import Record
from deployster_cli.domain.units.unitfile import parse_options, write_options
from deployster_cli.engines.ssh import scripts
from deployster_cli.engines.ssh.cluster import Cluster, Listing
from deployster_cli.engines.ssh.notes import Kept, merged, record_of
from deployster_cli.engines.ssh.parse import named
from deployster_cli.errors import TemplateFault


class SshRecords:
    """engines.base.Records over notes on the machines."""

    def __init__(self, cluster: Cluster, last: Callable[[], Listing]) -> None:
        self._cluster = cluster
        self._last = last

    def listed(self, service: str) -> bool:
        """Whether there was a record when the machines were listed last."""
        return bool(self._last().notes.get(record_of(service), Kept()).text)

    def read(self, service: str) -> Record | None:
        """Return the record that is there now."""
        path = record_of(service)
        answers = self._cluster.most_of(scripts.read_notes([path]), self._cluster.options.read_timeout, "read")
        found = merged(named(list(answer.parts), "note") for answer in answers.values())
        text = found.get(path, Kept()).text
        try:
            record = Record.read(parse_options(text)) if text else None
        except TemplateFault:
            return None
        return record if record and record.service == service else None

    def write(self, record: Record) -> None:
        """Put the record in, in place of the one that may be there."""
        self._put(record.service, write_options(record.options()))

    def drop(self, service: str) -> None:
        """Take the record out: an empty one is left, so that no machine which is away brings the old one back."""
        if self._cluster.wrote(record_of(service)) or self.listed(service) or self.read(service):
            self._put(service, "")

    def _put(self, service: str, text: str) -> None:
        note = self._cluster.next_of(record_of(service), text)
        limit = self._cluster.options.write_timeout
        self._cluster.most_of(scripts.write_notes({record_of(service): note.copy}), limit, "write")
