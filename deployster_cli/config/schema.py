"""The settings there are: one row a setting, with what its value must be. A new setting is one line here.

The same rows check deployster.toml, the variables, the flags and ``--set``. Those of an engine are in its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping

from deployster_cli.domain import limits
from deployster_cli.domain.hooks import HOOK_NAMES
from deployster_cli.domain.kinds import (
    FLAG,
    LIMIT,
    LINES,
    PATH,
    TEXT,
    UNIT_PATH,
    Kind,
    address,
    choice,
    decimal,
    fitting,
    list_of,
    matching,
    one_line,
    whole_number,
    whole_of,
)
from deployster_cli.engines.declaration import TABLE, declared

PROJECT: Mapping[str, Kind] = {
    "engine": choice(*TABLE),
    "server": address(),
    "server_ca": PATH,
    "templates": PATH,
    "docker_hub_username": matching(
        "a Docker Hub user (lower-case letters and digits, with . _ - between)", r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
    ),
    "registry_url": matching(
        "HOST[:PORT][/PATH] without https://",
        r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*",
    ),
}

SERVICE: Mapping[str, Kind] = {
    "template": matching("a template's name", r"[A-Za-z0-9][A-Za-z0-9._-]*"),
    "instances": whole_number(1, limits.MOST_AT_ONCE),
    "port": whole_number(1, limits.HIGHEST_PORT),
    "health": fitting("a path that begins with /, without spaces", limits.fits_health),
    "command": TEXT,
    "directory": UNIT_PATH,
    "volumes": list_of("[SOURCE:]/TARGET[:OPTIONS]", whole_of(r"(?:[^:]+:)?/[^:]*(?::[A-Za-z,]+)?")),
    "env_file": UNIT_PATH,
    "machine_metadata": list_of("KEY=VALUE", limits.fits_metadata),
    "conflicts": FLAG,
    "memory": fitting("a number of bytes, or one with k, m or g behind it, 6m at least (512m)", limits.fits_memory),
    "cpu": decimal(f"a number of processors from {limits.LEAST_CPU} to {limits.MOST_CPU} (0.5)", limits.fits_cpu),
    "restart": choice(*limits.RESTARTS),
    "global": FLAG,
    "secrets": list_of("a variable's NAME", whole_of(limits.VARIABLE.pattern)),
}
"""``env`` and ``set`` stand beside these: their keys are the user's own."""

FIELDS: Mapping[str, str] = {"global": "global_"}
"""Setting → Service's name for it, where that differs: Python keeps the word for itself."""

BESIDE: Mapping[str, Kind] = {"before_deploy": LINES}
"""What a service has that is for its deploys and not for its unit files."""

HOOKS: Mapping[str, Kind] = {**dict.fromkeys(HOOK_NAMES, LINES), "timeout": LIMIT}

PLACE: Mapping[str, Kind] = {"protected": FLAG}
"""What is said of one cluster and holds for no other: at the head of the file it is about runs that name no cluster."""

SERVE: Mapping[str, Kind] = {
    "listen": matching(
        "HOST:PORT, :PORT for every address, [HOST]:PORT for IPv6", r"(?:\[[^\]\s]+\]|[^:\s]*):[0-9]{1,5}"
    ),
    "username": matching("a name without colons", r"[^:]+"),
    "password": Kind("text on one line", one_line, hidden=True),
    "password_file": PATH,
    "cert": PATH,
    "key": PATH,
    "state": PATH,
}

TABLES: Mapping[str, Mapping[str, Kind]] = {
    **{name: engine.kinds for name, engine in declared().items()},
    "serve": SERVE,
}
"""The tables of options that variables can give too: one for each engine, and the server's."""

FILE_TABLES: Mapping[str, Mapping[str, Kind]] = {**TABLES, "hooks": HOOKS}
