"""Memory of a command; the server's is measured where it is under load."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.effort import Effort, environment, sample
from bench.results import Comparison, compared
from bench.standin import standing_in
from bench.startup import RIVAL

_PAIRS = 5
_UNITS = 10_000
_TELL = "; print(open('/proc/self/status').read())"
_OURS = "import sys; from deployster_cli.main import run; run(sys.argv[1:])" + _TELL
_RIVALS = "import click" + _TELL


def run(effort: Effort) -> Iterator[Comparison]:
    """The most that a process ever had resident, as its own kernel figure says at its end."""
    with standing_in(_UNITS) as fleetctl:
        rival = _peak((_RIVALS,), environment())
        for words, shown in ((("--version",), "--version"), (("units", "-o", "plain"), f"units, {_UNITS:,} units")):
            pairs = effort.pairs(_PAIRS, _peak((_OURS, *words), fleetctl.environ, fleetctl.folder), rival)
            yield compared(f"memory: {shown}", RIVAL, "MB", pairs)


def _peak(code: tuple[str, ...], environ: Mapping[str, str], cwd: Path | None = None) -> Callable[[], float]:
    return lambda: resident(sample((sys.executable, "-c", *code), environ, cwd).out)


def resident(status: str, what: str = "VmHWM") -> float:
    """Megabytes that /proc/PID/status tells of: VmHWM is the most so far, VmRSS what there is now."""
    found = re.findall(rf"^{what}:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[-1]) / 1024
