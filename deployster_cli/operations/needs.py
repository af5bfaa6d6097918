"""What units need to find on their machine, where that can be looked for: their folder and their environment files."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path

from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.engines.base import Engine
from deployster_cli.errors import NotFound
from deployster_cli.operations.deploy import TASKS

_FOLDER, _ENVIRONMENT = "WorkingDirectory", "EnvironmentFile"

_KINDS = {_FOLDER: ("folder", "directory"), _ENVIRONMENT: ("environment file", "env_file")}
"""Option → what it is to people, and the setting that it comes from."""

_MAKES = re.compile(
    "ExecCondition|ExecStartPre|Bind|Cache|Configuration|Extension|Logs|Mount|Requires|Root|Runtime|State|Temporary|"
    "Upholds|Wants"
)
"""How the options of systemd.unit(5) and systemd.exec(5) begin that may make a folder, or have the unit see another
file system than we do.
"""

_UNTOLD = re.compile(r"[*?\[%]")
"""A glob, or a specifier that only systemd can fill in."""


def refuse_missing(engine: Engine, files: Iterable[UnitFile]) -> None:
    """NotFound where units about to be started lack something that can be looked for: all are on this machine."""
    text, hint = missing(files) if engine.one_machine else ("", "")
    if text:
        raise NotFound(f"{text} Nothing was started.", hint)


def missing(files: Iterable[UnitFile]) -> tuple[str, str]:
    """What the first of the units that lacks something on this machine lacks, and the cure, a sentence each; empty
    where nothing is known to be missing.
    """
    found = (_lack(file, option, path) for file in files for option, path in needed(file))
    return next((lack for lack in found if any(lack)), ("", ""))


def needed(file: UnitFile) -> list[tuple[str, str]]:
    """(option, path) of all that has to be there before the unit starts. What systemd may do without (``-/path``), may
    make, or names in its own way (``~``, ``%h``) is left to it.
    """
    if any(_MAKES.match(option) for section, option, _ in file.options if section in {"Unit", "Service"}):
        return []
    environment = file.values("Service", _ENVIRONMENT)
    given = [(_FOLDER, file.last("Service", _FOLDER))]
    given += [(_ENVIRONMENT, path) for path in environment if "" not in environment]
    return [(option, path.replace("%%", "%")) for option, path in given if _told(path)]


def _told(path: str) -> bool:
    return path.startswith("/") and not _UNTOLD.search(path.replace("%%", ""))


def _lack(file: UnitFile, option: str, path: str) -> tuple[str, str]:
    kind, setting = _KINDS[option]
    what = f"The {kind} {path} of {file.name.service.removesuffix(TASKS)} {file.name.version}"
    cure = f"Put it there first, or have a pre_deploy hook do it; the setting {setting} says where it belongs."
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return f"{what} does not exist.", cure
    except OSError:  # who may not look can't tell
        return "", ""
    return (f"{what} is a file.", cure) if option == _FOLDER and not stat.S_ISDIR(mode) else ("", "")
