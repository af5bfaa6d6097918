"""Every target, by the name of its parser."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz import (
    config_files,
    journals,
    names,
    renders,
    requests,
    systemd,
    tables,
    times,
    unit_files,
    wires,
    words,
)
from tests.fuzz.target import Target

TARGETS: Mapping[str, Target] = {
    "tables": tables.TARGET,
    "unit-files": unit_files.TARGET,
    "config": config_files.TARGET,
    "names": names.TARGET,
    "systemctl-show": systemd.SHOW,
    "local": systemd.LOCAL,
    "fleetctl-words": words.TARGET,
    "host-keys": words.KEYS,
    "journal": journals.TARGET,
    "durations": times.DURATIONS,
    "shown": times.SHOWN,
    "wire": wires.WIRE,
    "stream": wires.STREAM,
    "server": wires.SERVER,
    "http-bodies": requests.HTTP,
    "queries": requests.QUERIES,
    "credentials": requests.CREDENTIALS,
    "registry": requests.REGISTRY,
    "templates": renders.TEMPLATES,
    "escapes": renders.ESCAPES,
    "environment": renders.ENVIRONMENT,
    "options": renders.OPTIONS,
}
