"""Asking for known holes, by pip-audit.

Its "No known vulnerabilities" counts only where it was answered: a package that the service doesn't know is skipped,
and it exits with 0 all the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from programs import run

# The services that pip-audit knows how to ask, in the order in which they are tried.
SERVICES = ("osv", "pypi")


class Unreachable(Exception):
    """No service answered at all; says what each did."""


def ask(pins: Sequence[str], root: Path) -> tuple[dict[str, list[str]], list[str]]:
    """The known holes of each package that has any, and the packages that nobody could be asked about.

    A service that has no answer for the first package is not asked for the others.
    """
    whys = []
    for service in SERVICES:
        _, unknown, why = _asked(pins[:1], service, root)
        if not unknown:
            holes, unknown, _ = _asked(pins, service, root)
            return holes, unknown
        whys.append(f"{service}: {why}")
    raise Unreachable("; ".join(whys))


def _asked(pins: Sequence[str], service: str, root: Path) -> tuple[dict[str, list[str]], list[str], str]:
    """The holes, the packages without an answer, and why there was none."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{pin}\n" for pin in pins))
        file.flush()
        how = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json", "-s", service, "-r", file.name)
        done = run([sys.executable, "-m", "pip_audit", *how], root)
    if not done.stdout.startswith("{"):
        return {}, list(pins), (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return read(done.stdout, pins)


def read(text: str, pins: Sequence[str]) -> tuple[dict[str, list[str]], list[str], str]:
    """The same from what pip-audit printed as JSON. A package that it says nothing of has no answer."""
    answers = {one["name"].lower(): one for one in json.loads(text)["dependencies"]}
    holes, unknown, why = {}, [], "it says nothing of the package"
    for pin in pins:
        answer = answers.get(pin.partition("==")[0].lower(), {})
        if answer.get("vulns"):
            holes[pin] = [
                f"{hole['id']}, mended in {', '.join(hole['fix_versions']) or 'none'}" for hole in answer["vulns"]
            ]
        elif "vulns" not in answer:
            unknown.append(pin)
            why = answer.get("skip_reason", why)
    return holes, unknown, why
