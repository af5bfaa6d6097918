"""Shell scripts as argv, and what became of the processes they started."""

from __future__ import annotations

import time
from pathlib import Path


def sh(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def gone(pid: int) -> bool:
    """Whether a process ends within a second. A zombie whose parent has not looked yet has ended."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False
