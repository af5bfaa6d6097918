"""What a service's settings may be, each limit once: the settings file, flags, HTTP and templates all ask here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deployster_cli.domain.kinds import (
    FLAG,
    TEXT,
    UNIT_PATH,
    Kind,
    choice,
    decimal,
    fitting,
    list_of,
    matching,
    whole_number,
    whole_of,
)
from deployster_cli.domain.units.names import quoted

# Instances of one service, or of a batch. More is a slip of the finger, and would fill a cluster.
MOST_AT_ONCE = 1000

HIGHEST_PORT = 65535

# What can name an environment variable, or a template's own value.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# Processors. A hundredth is the kernel's shortest quota, 1 ms of 100 ms.
LEAST_CPU, MOST_CPU = 0.01, 1024

# Bytes. Docker refuses a container less (since 20.10; 4 MiB before). systemd drops a limit beyond 64 bits, and runs the
# service without one.
LEAST_MEMORY, MOST_MEMORY = 6 << 20, 1 << 50

# Bytes between two slashes of a path. systemd drops an EnvironmentFile with more, and runs the service without it.
LONGEST_PART = 255

_MEMORY = re.compile(r"([1-9][0-9]{0,17})([bkmg]?)")
_METADATA = re.compile(r"""[^=\s"']+=[^=\s"']+""")


def _fits_memory(text: str) -> bool:
    """Whether ``text`` is an amount of memory, as docker and systemd both take it."""
    found = _MEMORY.fullmatch(text)
    return found is not None and LEAST_MEMORY <= int(found[1]) << 10 * "bkmg".index(found[2]) <= MOST_MEMORY


def _fits_cpu(processors: float) -> bool:
    """Whether a quota of that many processors can be given."""
    return LEAST_CPU <= processors <= MOST_CPU


def fits_metadata(rule: str) -> bool:
    """Whether ``rule`` is KEY=VALUE: fleet ignores one with a second ``=``."""
    return bool(_METADATA.fullmatch(rule))


def _fits_health(path: str) -> bool:
    """Whether it can be asked for: a path without spaces."""
    return path.startswith("/") and len(path.split()) == 1


def path_fault(path: str) -> str:
    """Why a unit can't have this path of its machine, or nothing: systemd only warns, and runs it without."""
    if not path.startswith("/") or path != path.strip() or ".." in path.split("/") or path.endswith("\\"):
        return "an absolute path without .. is wanted."
    if any(len(part.encode()) > LONGEST_PART for part in path.split("/")):
        return f"a part of it is over {LONGEST_PART} bytes long."
    return ""


def name_fault(name: str, what: str) -> str:
    """Why ``name`` can't name ``what`` (an environment variable, a template's own value), or nothing."""
    return (
        "" if VARIABLE.fullmatch(name) else f"{quoted(name)} can't name {what}: letters, digits and _, no digit first"
    )


# What begins an image's name.
OWNERS: Mapping[str, Kind] = {
    "docker_hub_username": matching(
        "a Docker Hub user (lower-case letters and digits, with . _ - between)", r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
    ),
    "registry_url": matching(
        "HOST[:PORT][/PATH] without https://",
        r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*",
    ),
}

# ``env`` and ``set`` stand beside these: their keys are the user's own.
SERVICE: Mapping[str, Kind] = {
    "template": matching("a template's name", r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    "instances": whole_number(1, MOST_AT_ONCE),
    "port": whole_number(1, HIGHEST_PORT),
    "health": fitting("a path that begins with /, without spaces", _fits_health),
    "command": TEXT,
    "directory": UNIT_PATH,
    "volumes": list_of("[SOURCE:]/TARGET[:OPTIONS]", whole_of(r"(?:[^:]+:)?/[^:]*(?::[A-Za-z,]+)?")),
    "env_file": UNIT_PATH,
    "machine_metadata": list_of("KEY=VALUE", fits_metadata),
    "conflicts": FLAG,
    "memory": fitting("a number of bytes, or one with k, m or g behind it, 6m at least (512m)", _fits_memory),
    "cpu": decimal(f"a number of processors from {LEAST_CPU} to {MOST_CPU} (0.5)", _fits_cpu),
    "restart": choice("always", "on-failure", "no"),
    "global": FLAG,
    "secrets": list_of("a variable's NAME", whole_of(VARIABLE.pattern)),
}

# Setting → Service's name for it, where that differs: Python keeps the word for itself.
FIELDS: Mapping[str, str] = {"global": "global_"}
