"""The settings there are: one row a setting, with what its value must be. A new setting is one line here.

The same rows check deployster.toml, the variables, the flags and ``--set``. Those of a service are in
domain/limits.py, those of an engine in its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping

from deployster_cli.domain.hooks import HOOK_NAMES
from deployster_cli.domain.kinds import FLAG, LIMIT, LINES, PATH, Kind, address, choice, matching, one_line
from deployster_cli.domain.limits import OWNERS
from deployster_cli.engines.declaration import TABLE, declared

PROJECT: Mapping[str, Kind] = {
    "engine": choice(*TABLE),
    "server": address(),
    "server_ca": PATH,
    "templates": PATH,
    **OWNERS,
}

# What a service has that is for its deploys and not for its unit files.
BESIDE: Mapping[str, Kind] = {"before_deploy": LINES}

HOOKS: Mapping[str, Kind] = {**dict.fromkeys(HOOK_NAMES, LINES), "timeout": LIMIT}

# What is said of one cluster and holds for no other: at the head of the file it is about runs that name no cluster.
PLACE: Mapping[str, Kind] = {"protected": FLAG}

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

# The tables of options that variables can give too: one for each engine, and the server's.
TABLES: Mapping[str, Mapping[str, Kind]] = {
    **{name: engine.kinds for name, engine in declared().items()},
    "serve": SERVE,
}

FILE_TABLES: Mapping[str, Mapping[str, Kind]] = {**TABLES, "hooks": HOOKS}
