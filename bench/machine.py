"""The machine that the figures are of, in one line."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from pathlib import Path

_PROC = Path("/proc")


def machine(read: Callable[[str], str] = lambda name: (_PROC / name).read_text()) -> str:
    """Processor, cores, memory, kernel, Python, and how busy it is now; ``read`` gives a file of /proc."""
    processor = re.search(r"^model name\s*:\s*(.+)$", read("cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", read("meminfo"), re.MULTILINE)
    parts = (
        processor[1] if processor else platform.machine(),
        f"{len(os.sched_getaffinity(0))} cores",
        f"{int(memory[1]) / 2**20:.1f} GB" if memory else "memory unknown",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        f"load {read('loadavg').split()[0]} at the start",
    )
    return ", ".join(parts)
