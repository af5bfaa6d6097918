"""What was asked of a service last, where the stamps of its units can't tell: one record a service.

A unit carries what was asked for when it was started. Scaling down starts nothing, and neither does going back to a
release that still runs; then this says what the stamps would say. It is kept as the options of a unit file, on fleet
as a unit that is never started, and a later version may add to it: what is not known here is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deployster_cli.domain.moments import is_moment, latest
from deployster_cli.domain.units.names import RECORD, SERVICE, VERSION, UnitName
from deployster_cli.domain.units.unitfile import (
    MOST_PREVIOUS,
    STAMP_SECTION,
    Option,
    Stamp,
    facts_of,
    idle,
    versions,
    whole,
)

FORMAT = "1"

_OURS = frozenset({"Record", "Service", "Version", "Instances", "Previous", "Verb", "By", "At", "Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class Record:
    """``by`` asked at ``at`` (RFC 3339 in UTC) by ``verb`` for ``instances`` of ``version``.

    ``previous`` are the releases before it, newest first; ``more`` is what another version of Deployster has put in.
    ``stopped`` are the instances that were up when this change, which has not ended yet, began to stop them. ``failed``
    are versions that never came up and were kept.
    """

    service: str
    version: str
    instances: int
    verb: str
    by: str
    at: str
    previous: tuple[str, ...] = ()
    more: tuple[Option, ...] = ()
    stopped: tuple[UnitName, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The name of the unit that is this record on fleet."""
        return unit_name(self.service)

    def options(self) -> tuple[Option, ...]:
        """Return the record as a unit that is never started."""
        facts = {
            "Record": FORMAT,
            "Service": self.service,
            "Version": self.version,
            "Instances": str(self.instances),
            "Verb": self.verb,
            "By": self.by,
            "At": self.at,
        }
        if self.previous:
            facts["Previous"] = " ".join(self.previous[:MOST_PREVIOUS])
        if self.failed:
            facts["Failed"] = " ".join(self.failed[:MOST_PREVIOUS])
        stopped = tuple((STAMP_SECTION, "Stopped", name.text) for name in self.stopped)
        return idle(f"Deployster's record of {self.service}", facts) + stopped + self.more

    @classmethod
    def read(cls, options: tuple[Option, ...]) -> Record | None:
        """Return the record that these options write, or None where they write none."""
        found = facts_of(options)
        stopped = (UnitName.parse(value) for at, name, value in options if (at, name) == (STAMP_SECTION, "Stopped"))
        more = tuple(option for option in options if option[0] == STAMP_SECTION and option[1] not in _OURS)
        try:
            whole(found["Record"])
            record = cls(
                service=found["Service"],
                version=found["Version"],
                instances=whole(found["Instances"]),
                verb=found["Verb"],
                by=found["By"],
                at=found["At"],
                previous=versions(found.get("Previous", "")),
                more=more,
                stopped=tuple(name for name in stopped if name and name.service == found["Service"]),
                failed=versions(found.get("Failed", "")),
            )
        except (KeyError, ValueError):
            return None
        return record if record._sound else None

    @property
    def _sound(self) -> bool:
        return bool(SERVICE.fullmatch(self.service) and VERSION.fullmatch(self.version)) and is_moment(self.at)


def unit_name(service: str) -> str:
    """Return the unit that holds a service's record. No instance of a service is called so: it has no ``@``."""
    return f"{RECORD}{service}.service"


def counts(record: Record, stamps: Mapping[str, Stamp]) -> bool:
    """Whether the record is later than the stamp of its release: not where that was deployed anew since, or is gone."""
    stamp = stamps.get(record.version)
    return stamp is not None and record.at >= latest([stamp.deployed_at])


def corrected(stamps: Mapping[str, Stamp], record: Record | None) -> dict[str, Stamp]:
    """Return the stamps as they would be if every unit had been started by the change that was asked for last."""
    found = dict(stamps)
    if record and counts(record, stamps):
        stamp = stamps[record.version]
        found[record.version] = replace(stamp, instances=record.instances, previous=record.previous)
    return found
