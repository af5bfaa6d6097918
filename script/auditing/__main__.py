"""Known holes in what is installed with Deployster, and bandit's findings in its own code; see script/audit."""

from __future__ import annotations

import sys
from pathlib import Path

from advisories import Unreachable, ask
from installed import EXTRAS, packages
from programs import run

ROOT = Path(__file__).parents[2]
CODE = ("deployster_cli", "lab", "bench", "script")

CLEAN, FOUND, UNKNOWN = 0, 1, 2


def own_code() -> int:
    """Bandit's findings, on stdout."""
    done = run([sys.executable, "-m", "bandit", "--quiet", "--recursive", *CODE], ROOT)
    print(f"bandit: {'nothing found' if done.returncode == 0 else done.stdout}")
    return FOUND if done.returncode else CLEAN


def installed() -> int:
    """What the database of known holes says of the packages, each with the extras that bring it."""
    found = packages(ROOT)
    try:
        holes, unknown = ask(sorted(found), ROOT)
    except Unreachable as why:
        print(f"pip-audit: could not ask about {len(found)} packages of {', '.join(EXTRAS)}: {why}")
        return UNKNOWN
    for pin, what in sorted(holes.items()):
        print(f"pip-audit: {pin} ({', '.join(found[pin])}): {'; '.join(what)}")
    for pin in unknown:
        print(f"pip-audit: could not ask about {pin} ({', '.join(found[pin])})")
    print(f"pip-audit: {len(found) - len(unknown)} of {len(found)} packages asked about, {len(holes)} with known holes")
    return FOUND if holes else UNKNOWN if unknown else CLEAN


def main() -> int:
    """Both. What was found counts before what could not be asked."""
    codes = {own_code(), installed()}
    return FOUND if FOUND in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
