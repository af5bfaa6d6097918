"""Take the pictures of docs/: real runs of Deployster on a terminal, on this machine, in a folder of their own.

``python script/pictures FOLDER`` writes FOLDER/*.svg. Times and ports are those of the run, so two runs differ in them.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from svg import DARK, LIGHT, draw
from terminal import Terminal

EXAMPLE = Path(__file__).parents[2] / "examples" / "carousel"

# A version of the carousel whose slides nobody can read.
BROKEN = "d0d0caf"


def project(folder: Path) -> Path:
    """A copy of the example, with a broken release beside the others, which is given up after five tries."""
    shutil.copytree(EXAMPLE, folder / "carousel", ignore=shutil.ignore_patterns(".deployster", "__pycache__"))
    broken = folder / "carousel" / "releases" / BROKEN / "slides.json"
    broken.parent.mkdir()
    broken.write_text(json.dumps({"colour": "#000"}))
    with (folder / "carousel" / "deployster.toml").open("a") as file:
        file.write("\n[services.carousel.set]\nhealth_tries = 5\n")
    return folder / "carousel"


def take(here: Path, to: Path) -> None:
    """All pictures, in the order in which their runs build on one another."""
    terminal = Terminal(here, columns=80)
    terminal.type("deployster deploy carousel 9f88701")
    terminal.type("deployster deploy carousel a41c9e2 --destroy-previous", shot=4.0)
    draw(terminal.shots[0], to / "deploying.svg", "a deploy under way", DARK)
    terminal.type("deployster units carousel")
    draw(terminal.lines(), to / "deploy.svg", "deployster", DARK)

    failing = Terminal(here, columns=80)
    failing.type(f"deployster deploy carousel {BROKEN} --destroy-previous")
    failing.type("deployster services")
    draw(failing.lines(), to / "failed.svg", "a release that does not come up", DARK)

    for columns, theme, name in ((80, LIGHT, "units-light"), (200, DARK, "units-wide")):
        looking = Terminal(here, columns)
        looking.type("deployster units -o wide")
        draw(looking.lines(), to / f"{name}.svg", f"{columns} columns", theme)


def main(to: Path) -> None:
    """Take them, and leave nothing running."""
    with tempfile.TemporaryDirectory() as folder:
        here = project(Path(folder))
        try:
            take(here, to)
        finally:
            cleaning = Terminal(here, columns=80)
            for version in ("9f88701", "a41c9e2", BROKEN):
                cleaning.type(f"deployster destroy carousel {version} --yes")


main(Path(sys.argv[1]))
