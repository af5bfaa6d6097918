"""The part of a listing that is ours, measured from within: python -m bench.inside CALLS, argvs in JSON.

Prints the milliseconds of ``listing``. Each run is a process of its own, so nothing is warmer than in a command's.
"""

from __future__ import annotations

import json
import subprocess  # what is measured are processes  # nosec B404
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from deployster_cli.domain.units.model import Unit
from deployster_cli.engines.fleet import parse

T = TypeVar("T")


@dataclass(frozen=True)
class Ready:
    """The part of an engine that listing asks, with both tables read already."""

    reported: str
    files: str

    @parse.no_collecting()
    def units(self) -> tuple[Unit, ...]:
        """As the fleet engine makes them of its two calls."""
        return parse.join(parse.unit_rows(self.reported), parse.file_rows(self.files))


def listed(reported: str, files: str) -> tuple[Unit, ...]:
    """From both tables as text to the units in order: what every command and the server do with an answer."""
    from deployster_cli.operations.units import list_units  # imports are start-up's

    return list_units(Ready(reported, files))  # type: ignore[arg-type] # the one method that it calls


def printed(units: Sequence[Unit]) -> int:
    """The text of ``units -o plain``; how many lines it has."""
    from deployster_cli.views.output import Output  # imports are start-up's
    from deployster_cli.views.results import units_listing
    from deployster_cli.views.text import plain

    return plain(units_listing(Output("plain"), units, None).plain()).count("\n")


def split(reported: str, files: str) -> int:
    """The rival: the same text, merely split into lines and cells."""
    return sum(len([line.split("\t") for line in text.splitlines()]) for text in (reported, files))


def spent(work: Callable[[], T]) -> tuple[float, T]:
    """Milliseconds of processor time, and what came of them: there is nothing to wait for."""
    began = time.process_time()
    found = work()
    return 1000 * (time.process_time() - began), found


def listing(calls: Sequence[Sequence[str]]) -> tuple[float, float, float]:
    """Milliseconds for reading two calls' output, for printing it, and for merely splitting it."""
    # an argv of ours, and no shell
    texts = [subprocess.run(argv, capture_output=True, text=True, check=True).stdout for argv in calls]  # nosec B603
    printed(listed("", ""))
    reading, units = spent(lambda: listed(*texts))
    printing, _ = spent(lambda: printed(units))
    splitting, _ = spent(lambda: split(*texts))
    return reading, printing, splitting


if __name__ == "__main__":
    sys.stdout.write(json.dumps(listing(json.loads(sys.argv[1]))))
