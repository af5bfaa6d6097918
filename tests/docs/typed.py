"""Pages typed from top to bottom on this machine, in a folder and a home of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.transcript import Step, script, steps

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Page:
    """A page, the programs that it uses, and the example in whose copy it is typed (without one, an empty folder)."""

    path: str
    needs: tuple[str, ...] = ()
    example: str = ""

    def steps(self) -> list[Step]:
        """What it has typed."""
        return steps((ROOT / self.path).read_text())

    def type(self, home: Path, printed: Path) -> None:
        """Type it; skipped by name where a program is missing."""
        for program in ("bash", *self.needs):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        here = home / "here"
        self._lay_out(here)
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        environ = {"HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8", "DEPLOYSTER_LOCAL_MANAGER": "supervisor"}
        argv = ["bash", "-c", script(self.steps(), str(printed))]
        subprocess.run(argv, cwd=here, env=environ, check=False, timeout=180, capture_output=True)
        clear_away(here, environ)

    def _lay_out(self, here: Path) -> None:
        if self.example:
            left_out = shutil.ignore_patterns(".deployster", "__pycache__")
            shutil.copytree(ROOT / "examples" / self.example, here, ignore=left_out)
        else:
            here.mkdir()


def clear_away(here: Path, environ: dict[str, str]) -> None:
    """Destroy whatever a page that went wrong has left running."""
    for file in [*here.glob("deployster.toml"), *here.glob("*/deployster.toml")]:
        run = [str(Path(sys.executable).parent / "deployster"), "--config", str(file)]
        listed = [*run, "units", "-o", "plain"]
        found = subprocess.run(listed, env=environ, check=False, capture_output=True, text=True, timeout=60).stdout
        for service, version in sorted({tuple(line.split("\t")[:2]) for line in found.splitlines()}):
            gone = [*run, "destroy", service, version, "--yes"]
            subprocess.run(gone, env=environ, check=False, capture_output=True, timeout=60)
