"""Running a program to its end."""

from __future__ import annotations

import subprocess  # it asks pip, pip-audit and bandit  # nosec B404
from collections.abc import Sequence
from pathlib import Path

# Seconds for one program.
LIMIT = 300.0


def run(argv: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """What it printed and how it ended."""
    # an argv of ours, and no shell
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False)  # nosec B603
