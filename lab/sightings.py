"""What really runs on the lab's machines, read off the kernel: fleet's own lists may be late, or out of reach."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from place import Lab
from processes import children, noted

PROC = Path("/proc")

# What an instance runs; the port that it listens on is its last word.
PROGRAM = b"http.server"

# A listening socket's state in the kernel's table.
LISTENS = "0A"


@dataclass(frozen=True, order=True)
class Sighting:
    """An instance that serves: the machine's number, the unit that systemd runs it for, and its process."""

    machine: int
    unit: str
    pid: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.unit.removesuffix('.service')} on {self.machine}"


def serving(lab: Lab, service: str) -> tuple[Sighting, ...]:
    """All instances of a service that listen now, on any machine, reachable or not."""
    return tuple(sorted(_found(_namespaces(lab), service)))


def _found(machines: Mapping[str, int], service: str) -> Iterator[Sighting]:
    for process in PROC.glob("[0-9]*"):
        try:
            argv = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            machine = machines.get(str((process / "ns/pid").readlink())) if PROGRAM in argv else None
            if machine and listens((process / "net/tcp").read_text(), int(argv[-1])):
                yield from (
                    Sighting(machine, unit, int(process.name))
                    for unit in unit_of((process / "cgroup").read_text(), service)
                )
        except OSError:
            continue  # it ended while it was looked at


def _namespaces(lab: Lab) -> dict[str, int]:
    """Process namespace → the machine that it is."""
    found: dict[str, int] = {}
    for number in lab.machines():
        for leader in children(noted(lab.folder(number) / "process.json") or 0):
            found |= {str(link): number for link in _links(PROC / f"{leader}/ns/pid")}
    return found


def _links(path: Path) -> Iterator[Path]:
    try:
        yield path.readlink()
    except OSError:
        return


def listens(table: str, port: int) -> bool:
    """Whether a kernel's table of sockets (``/proc/PID/net/tcp``) has one that listens on the port."""
    rows = (line.split() for line in table.splitlines()[1:])
    return any(row[3] == LISTENS and row[1].endswith(f":{port:04X}") for row in rows)


def unit_of(cgroups: str, service: str) -> list[str]:
    """The service's unit that a process belongs to (``/proc/PID/cgroup``): one, or none."""
    names = {line.rpartition("/")[2] for line in cgroups.splitlines()}
    return [name for name in names if name.startswith(f"{service}-") and name.endswith(".service")][:1]


@dataclass
class Watch:
    """Looks on from a thread, until it is told to stop. Machines in ``away`` don't count: nobody can reach them."""

    lab: Lab
    service: str
    # Seconds between two looks.
    every: float
    away: set[int] = field(default_factory=set)
    counts: list[int] = field(default_factory=list)
    # Units that were seen on two machines at once that both could be reached.
    doubles: set[str] = field(default_factory=set)
    # When something else was seen than before, and what: ``14:02:11 2: broken-v1@1 on 3, …``
    changes: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def least(self) -> int:
        """The smallest number of instances that were seen to serve at once."""
        return min(self.counts, default=0)

    def on(self, machine: int) -> int:
        """How many serve on one machine now."""
        return sum(each.machine == machine for each in serving(self.lab, self.service))

    def _look_on(self) -> None:
        while not self._stop.wait(self.every):
            found = serving(self.lab, self.service)
            units = [each.unit for each in found if each.machine not in self.away]
            self.counts.append(len(set(units)))
            self.doubles.update(unit for unit in units if units.count(unit) > 1)
            self._note(f"{self.counts[-1]}: {', '.join(map(str, found))}")

    def _note(self, seen: str) -> None:
        if not self.changes or self.changes[-1].partition(" ")[2] != seen:
            self.changes.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {seen}")
