"""Deploys on the lab as a person would start them: processes, each with a file for what it says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess  # the lab starts daemons  # nosec B404
import time
from pathlib import Path

from place import Lab
from processes import LabError

SERVICE = "broken"

PROJECT = f"""[services.{SERVICE}]
template = "process"
command = "exec python3 -m http.server $PORT"
directory = "/usr/share/doc"
health = "/"
"""

STAMPED = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:]+Z) (?!Waiting for the lock)", re.MULTILINE)


class Attempt:
    """One run of ``deployster deploy``, from its start on."""

    def __init__(self, lab: Lab, log: Path, words: tuple[str, ...], environ: dict[str, str]) -> None:
        self.log = log
        self.began = time.monotonic()
        self.seconds = 0.0
        self.code: int | None = None
        with log.open("wb") as said:
            self._process = subprocess.Popen(  # an argv of ours, and no shell  # nosec B603
                lab.inside(program(), "deploy", SERVICE, *words),
                cwd=log.parent,
                env=surroundings(lab, log.parent) | environ,
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
        return (times[0], times[-1]) if times else ("", "")


def program() -> str:
    """The deployster that is tried."""
    found = shutil.which("deployster")
    if not found:
        raise LabError("There is no deployster on PATH: activate the environment that it is installed in.")
    return found


def surroundings(lab: Lab, home: Path) -> dict[str, str]:
    """The environment of a deploy: nothing of ours that could steer it."""
    ours = ("DEPLOYSTER_", "FLEETCTL_", "XDG_", "GITHUB_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{lab.fleet}{os.pathsep}{os.environ.get('PATH', '')}"
    return kept | {"PATH": path, "HOME": str(home), "FLEETCTL_ENDPOINT": lab.endpoint}
