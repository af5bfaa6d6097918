"""What pip would install with each extra, now, on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from programs import run

# The extras that users install; the first is none.
EXTRAS = ("deployster", "client", "local", "serve")


def packages(root: Path) -> dict[str, list[str]]:
    """``name==version`` of each package that is not ours → the extras that bring it."""
    found: dict[str, list[str]] = {}
    for extra in EXTRAS:
        for pin in _of("." if extra == "deployster" else f".[{extra}]", root):
            found.setdefault(pin, []).append(extra)
    return found


def _of(what: str, root: Path) -> list[str]:
    """The packages that pip chooses; SystemExit with its words where it can't."""
    asked = ("install", "--dry-run", "--ignore-installed", "--quiet", "--no-input", "--report", "-", what)
    done = run([sys.executable, "-m", "pip", *asked], root)
    if done.returncode:
        sys.exit(f"pip can't tell what {what} installs:\n{done.stderr}")
    chosen = [item["metadata"] for item in json.loads(done.stdout)["install"]]
    return [f"{one['name']}=={one['version']}" for one in chosen if one["name"] != "deployster"]
