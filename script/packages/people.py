"""Somebody who installs Deployster.

They have an empty home with a space in its path, and nothing set but where packages come from.
"""

from __future__ import annotations

import os
import subprocess  # it builds and tries packages  # nosec B404
from dataclasses import dataclass
from pathlib import Path

# Beginnings of the variables that say how to reach a package index.
KEPT = ("PIP_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy", "SSL_")


class Refused(AssertionError):
    """A command did not do what it should."""


@dataclass(frozen=True)
class Person:
    """``home`` is all they have; ``programs`` is a folder of theirs that is looked in first."""

    home: Path
    programs: Path

    def environ(self) -> dict[str, str]:
        """What their shell has set."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        path = f"{self.programs}:/usr/local/bin:/usr/bin:/bin"
        pipx = {
            "PIPX_HOME": f"{self.home}/pipx",
            "PIPX_BIN_DIR": str(self.programs),
            "PIPX_MAN_DIR": f"{self.home}/man",
        }
        pip = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CACHE_DIR": f"{self.home.parent}/cache"}
        return {**kept, **pip, **pipx, "HOME": str(self.home), "PATH": path, "LC_ALL": "C.UTF-8"}

    def run(self, *argv: str, code: int = 0, here: Path | None = None) -> str:
        """Type a command; what it printed. Refused where it ends with another code than this one."""
        ran = subprocess.run(  # an argv of ours, and no shell  # nosec B603
            argv,
            cwd=here or self.home,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        if ran.returncode != code or "Traceback" in ran.stdout:
            raise Refused(f"{' '.join(argv)} ended with {ran.returncode}:\n{ran.stdout}")
        return ran.stdout

    def deployster(self, *args: str, code: int = 0, here: Path | None = None) -> str:
        """Run the program that they have installed."""
        return self.run(str(self.programs / "deployster"), *args, code=code, here=here)
