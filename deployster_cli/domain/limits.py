"""What a service's settings may be, each limit once: the settings file, flags, HTTP and templates all ask here."""

from __future__ import annotations

import re

MOST_AT_ONCE = 1000
"""Instances of one service, or of a batch. More is a slip of the finger, and would fill a cluster."""

HIGHEST_PORT = 65535

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What can name an environment variable, or a template's own value."""

LEAST_CPU, MOST_CPU = 0.01, 1024
"""Processors. A hundredth is the kernel's shortest quota, 1 ms of 100 ms."""

LEAST_MEMORY, MOST_MEMORY = 6 << 20, 1 << 50
"""Bytes. Docker refuses a container less (since 20.10; 4 MiB before). systemd drops a limit beyond 64 bits, and runs
the service without one.
"""

LONGEST_PART = 255
"""Bytes between two slashes of a path. systemd drops an EnvironmentFile with more, and runs the service without it."""

RESTARTS = ("always", "on-failure", "no")
"""When a service that ended is started again, in systemd's words."""

_MEMORY = re.compile(r"([1-9][0-9]{0,17})([bkmg]?)")
_METADATA = re.compile(r"""[^=\s"']+=[^=\s"']+""")


def fits_memory(text: str) -> bool:
    """Whether ``text`` is an amount of memory, as docker and systemd both take it."""
    found = _MEMORY.fullmatch(text)
    return found is not None and LEAST_MEMORY <= int(found[1]) << 10 * "bkmg".index(found[2] or "b") <= MOST_MEMORY


def fits_cpu(processors: float) -> bool:
    """Whether a quota of that many processors can be given."""
    return LEAST_CPU <= processors <= MOST_CPU


def fits_port(port: int) -> bool:
    """Whether a service can listen there."""
    return 1 <= port <= HIGHEST_PORT


def fits_metadata(rule: str) -> bool:
    """Whether ``rule`` is KEY=VALUE: fleet ignores one with a second ``=``."""
    return bool(_METADATA.fullmatch(rule))


def fits_health(path: str) -> bool:
    """Whether it can be asked for: a path without spaces."""
    return path.startswith("/") and len(path.split()) == 1


def path_fault(path: str) -> str:
    """Why a unit can't have this path of its machine, or nothing: systemd only warns, and runs it without."""
    if not path.startswith("/") or path != path.strip() or ".." in path.split("/") or path.endswith("\\"):
        return "an absolute path without .. is wanted."
    if any(len(part.encode()) > LONGEST_PART for part in path.split("/")):
        return f"a part of it is over {LONGEST_PART} bytes long."
    return ""
