"""Deploys on the lab as a person would start them: processes, each with a file for what it says."""

from __future__ import annotations

import calendar
import json
import os
import re
import shutil
import signal
import subprocess  # the lab starts daemons  # nosec B404
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from place import Lab
from processes import LabError

# What an instance runs.
SERVES = "exec python3 -m http.server $PORT"

SETTINGS = {"template": "process", "command": SERVES, "directory": "/usr/share/doc", "health": "/"}

# A wall clock that is off, for a Python that is given this as its sitecustomize.
SKEWED = """import time
_time, _gmtime = time.time, time.gmtime
time.time = lambda: _time() + {0}
time.gmtime = lambda *given: _gmtime(*given) if given else _gmtime(_time() + {0})
"""

STAMPED = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:]+Z) (?!Waiting for the lock)", re.MULTILINE)


class Attempt:
    """One run of ``deployster``, from its start on; ``skew`` is what its wall clock is off, in seconds,
    ``via`` the words that have it run on another host than the lab's own."""

    def __init__(
        self,
        lab: Lab,
        log: Path,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        cwd: Path,
        skew: int = 0,
        via: Sequence[str] = (),
    ) -> None:
        self.log = log
        self.skew = skew
        self.words = " ".join(words)
        self.began = time.monotonic()
        self.seconds = 0.0
        self.code: int | None = None
        with log.open("wb") as said:
            self._process = subprocess.Popen(  # an argv of ours, and no shell  # nosec B603
                [*via, program(), *words] if via else lab.inside(program(), *words),
                cwd=cwd,
                env=surroundings(lab, cwd) | (skewed(log.with_suffix(".clock"), skew) if skew else {}) | dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def at(self, seconds: float) -> None:
        """Wait until it has run for so long."""
        time.sleep(max(0.0, self.began + seconds - time.monotonic()))

    def until(self, words: str, limit: float) -> None:
        """Wait until it has said this; LabError where it does not."""
        while words not in self.text:
            if time.monotonic() > self.began + limit:
                raise LabError(f"a deploy did not come to say {words!r}: {self.said}")
            time.sleep(0.1)

    def send(self, how: signal.Signals) -> None:
        """A signal to deployster itself, and to nothing that it has started."""
        self._process.send_signal(how)

    def wait(self, limit: float) -> None:
        """Its end; after ``limit`` seconds from its start all of it is killed, and the code stays None."""
        try:
            self.code = self._process.wait(max(0.1, self.began + limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.end()
        self.seconds = time.monotonic() - self.began

    def end(self) -> None:
        """Kill all of it, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def text(self) -> str:
        """Everything that it has said."""
        return self.log.read_text(errors="replace")

    @property
    def said(self) -> str:
        """Its last line; the error's, where there is one."""
        lines = self.text.strip().splitlines() or [""]
        return next((line for line in lines if line.startswith("Error:")), lines[-1])

    @property
    def span(self) -> tuple[str, str]:
        """When it began to change things, and when it told something last; as it wrote the times."""
        times = STAMPED.findall(self.text)
        return (unskewed(times[0], self.skew), unskewed(times[-1], self.skew)) if times else ("", "")


def project(service: str, settings: Mapping[str, object], hooks: Mapping[str, str], head: str = "") -> str:
    """A deployster.toml with one service and its settings, over those of every scenario; ``head`` is its engine's."""
    tables = {f"services.{service}": SETTINGS | dict(settings), "hooks": hooks}
    lines = ([f"[{name}]", *(f"{key} = {toml(value)}" for key, value in of.items())] for name, of in tables.items())
    return head + "\n".join(line for table in lines for line in table) + "\n"


def toml(value: object) -> str:
    """A setting's value; a table's on one line."""
    if not isinstance(value, Mapping):
        return json.dumps(value)
    return f"{{ {', '.join(f'{key} = {json.dumps(each)}' for key, each in value.items())} }}"


def skewed(folder: Path, seconds: int) -> dict[str, str]:
    """The variables of a run whose wall clock is off."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(SKEWED.format(seconds))
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))}


def unskewed(stamp: str, seconds: int) -> str:
    """A time that was written by a clock that is off, as the others' clocks have it."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    return time.strftime(form, time.gmtime(calendar.timegm(time.strptime(stamp, form)) - seconds))


def program() -> str:
    """The deployster that is tried."""
    found = shutil.which("deployster")
    if not found:
        raise LabError("No deployster on PATH: activate the environment that it is installed in.")
    return found


def surroundings(lab: Lab, home: Path) -> dict[str, str]:
    """The environment of a deploy: nothing of ours that could steer it."""
    ours = ("DEPLOYSTER_", "FLEETCTL_", "XDG_", "GITHUB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"HOME": str(home)} | lab.engine.environ(lab)
