"""What units need of their machine beyond systemd, as far as their files tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from deployster_cli.domain.units.unitfile import UnitFile

_CONTAINERS = re.compile(r"(?<![^\s=])/\S*/(?:docker|podman)(?=\s)")

_CURL = re.compile(r"\bcurl\b")

# What templates/_health.j2 says before it asks with curl: it has python3 for a machine without one.
_OR_PYTHON = "if command -v curl >/dev/null; then"


class Needs(NamedTuple):
    """What units need. ``programs``: of each group one has to be there, the first of it best; a path where the files
    name one. ``ports`` maps a port that nothing else may listen on to a unit that is to have it. ``images`` are pairs
    of a program and the image that it pulls.
    """

    programs: tuple[tuple[str, ...], ...] = ()
    ports: Mapping[int, UnitFile] = MappingProxyType({})
    images: tuple[tuple[str, str], ...] = ()


class Prerequisite(NamedTuple):
    """A folder, or a file where it is not a ``folder``, that has to be there before a unit starts."""

    file: UnitFile
    path: str
    folder: bool


def containers(files: Iterable[UnitFile]) -> tuple[str, ...]:
    """Return the paths of docker and podman that units run."""
    return tuple(sorted({path for file in files for path in _CONTAINERS.findall(file.text)}))


def probing(files: Iterable[UnitFile]) -> tuple[tuple[str, ...], ...]:
    """Return the programs by which units ask their services for health: curl, or where python3 does as well either."""
    found = [file.text for file in files if _CURL.search(file.text)]
    if not found:
        return ()
    return (("curl", "python3") if all(_OR_PYTHON in text for text in found) else ("curl",),)
