"""What units need to find on their machines, where that can be looked for: their folder and their environment files."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from deployster_cli.domain.env_file import LARGEST, Fault, docker_fault, systemd_fault
from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.needs import Prerequisite
from deployster_cli.domain.units.unitfile import UnitFile
from deployster_cli.domain.wording import joined
from deployster_cli.engines.base import Engine
from deployster_cli.errors import InvalidInput, NotFound
from deployster_cli.operations.deploy import TASKS

# Machines that a sentence names; the others are counted.
MOST_NAMED = 3

_FOLDER, _ENVIRONMENT, _DOCKERS = "WorkingDirectory", "EnvironmentFile", "--env-file"

# Option → what it is to people, and the setting that it comes from.
_KINDS = {
    _FOLDER: ("folder", "directory"),
    _ENVIRONMENT: ("environment file", "env_file"),
    _DOCKERS: ("environment file", "env_file"),
}

# How Environment begins where templates/_shell.j2 has a variable outdo a file of them.
_HANDED_ON = re.compile(r'"?(DEPLOYSTER_ENV_(\w+))=')

# How the options of systemd.unit(5) and systemd.exec(5) begin that may make a folder, or have the unit see another file
# system than we do.
_MAKES = re.compile(
    "ExecCondition|ExecStartPre|Bind|Cache|Configuration|Extension|Logs|Mount|Requires|Root|Runtime|State|Temporary|"
    "Upholds|Wants"
)

# How ExecStartPre begins where it makes nothing that the unit needs: as the built-in templates have it.
_FETCHES = re.compile(r'-?(?:/bin/sh -c "(?:exec |said=\$\$\())?\S*/docker (?:pull|rm -f) ')

_ENV_FILES = re.compile(r"""(?<= )(?:--env-file=(/[^" ]*)|"--env-file=(/[^"]*)")""")

# A specifier, which only systemd can fill in; of what it reads variables from, a glob too.
_SPECIFIER, _GLOB = re.compile("%"), re.compile(r"[*?\[%]")


class Lack(NamedTuple):
    """What a unit will not find, or can't use, and the cure, a sentence each.

    ``there``: it is there, and is not what it should be. ``brought``: it may come with the version, by a hook.
    """

    text: str
    cure: str
    there: bool = False
    brought: bool = False


def refuse(lacks: Iterable[Lack]) -> None:
    """Refuse to start units that lack something, by the first: NotFound for what is not there, InvalidInput for what
    can't be used.
    """
    for lack in lacks:
        kind = InvalidInput if lack.there else NotFound
        raise kind(f"{lack.text} Nothing was started.", lack.cure)


def missing(engine: Engine, files: Iterable[UnitFile], paths: Collection[str] | None = None) -> tuple[Lack, ...] | None:
    """All that the units lack where they are to run; of these ``paths``, where given. None where nobody can look.

    On this machine the content of environment files is judged too.
    """
    wanted = [(file, *need) for file in files for need in needed(file) if paths is None or need[1] in paths]
    if not wanted:
        return ()
    if engine.is_local:
        return tuple(filter(None, (_lack(file, option, path) for file, option, path in wanted)))
    found = engine.absent([Prerequisite(file, path, option == _FOLDER) for file, option, path in wanted])
    return None if found is None else _on_machines(found)


def _on_machines(found: Iterable[tuple[Prerequisite, Machine]]) -> tuple[Lack, ...]:
    """Return what machines lack, each path once with all of them."""
    labels: dict[tuple[str, bool], dict[str, Prerequisite]] = {}
    for each, machine in found:
        labels.setdefault((each.path, each.folder), {})[machine.label] = each
    return tuple(_not_on(list(on), next(iter(on.values()))) for on in labels.values())


def _not_on(machines: Sequence[str], wanted: Prerequisite) -> Lack:
    option = _FOLDER if wanted.folder else _ENVIRONMENT
    named = [*machines[:MOST_NAMED], *([f"{len(machines) - MOST_NAMED} others"] if machines[MOST_NAMED:] else [])]
    has = "has" if len(machines) == 1 else "have"
    text = f"{joined(named)} {has} no {_KINDS[option][0]} {wanted.path}."
    return Lack(text, _cure(wanted.file, option, wanted.path), brought=_is_brought(wanted.file, option, wanted.path))


def needed(file: UnitFile) -> list[tuple[str, str]]:
    """(option, path) of all that has to be there before the unit starts. What systemd may do without (``-/path``), may
    make, or names in its own way (``~``, ``%h``) is left to it.
    """
    if any(_makes(option, value) for section, option, value in file.options if section in {"Unit", "Service"}):
        return []
    environment = file.values("Service", _ENVIRONMENT)
    given = [(_FOLDER, file.last("Service", _FOLDER))]
    given += [(_ENVIRONMENT, path) for path in environment if "" not in environment]
    given += [(_DOCKERS, path) for line in file.values("Service", "ExecStart") for path in _docker_files(line)]
    return [(option, path.replace("%%", "%")) for option, path in given if _told(option, path)]


def _docker_files(line: str) -> list[str]:
    """Return the environment files on a command line of docker's, each a word of its own or one in quotes."""
    return [plain or quoted for plain, quoted in _ENV_FILES.findall(line)] if "/docker run " in line else []


def _makes(option: str, value: str) -> bool:
    harmless = value == "docker.service" or (option == "ExecStartPre" and _FETCHES.match(value))
    return bool(_MAKES.match(option)) and not harmless


def _told(option: str, path: str) -> bool:
    untold = _GLOB if option == _ENVIRONMENT else _SPECIFIER
    return path.startswith("/") and path not in {"/", "/dev/stdin"} and not untold.search(path.replace("%%", ""))


def _is_brought(file: UnitFile, option: str, path: str) -> bool:
    return option == _FOLDER or file.name.version in path


def _cure(file: UnitFile, option: str, path: str) -> str:
    by = ", or have a pre_deploy hook do it" if _is_brought(file, option, path) else ""
    return f"Put it there first{by}; the setting {_KINDS[option][1]} says where it belongs."


def _lack(file: UnitFile, option: str, path: str) -> Lack | None:
    lack = _looked_at(file, option, path)
    return lack and lack._replace(brought=_is_brought(file, option, path))


def _looked_at(file: UnitFile, option: str, path: str) -> Lack | None:
    kind, setting = _KINDS[option]
    of = f"{kind} {path} of {file.name.service.removesuffix(TASKS)} {file.name.version}"
    cure = _cure(file, option, path)
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return Lack(f"The {of} does not exist.", cure)
    except OSError as error:  # a folder may be another user's to see, whom systemd runs the unit as
        return None if option == _FOLDER else _unread(of, error)
    if option == _FOLDER:
        return None if stat.S_ISDIR(mode) else Lack(f"The {of} is a file.", cure, there=True)
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        return Lack(f"The {of} is {what}.", f"The setting {setting} names a file of NAME=value lines.", there=True)
    return _unusable(of, path, docker_fault if option == _DOCKERS else partial(systemd_fault, taken=_taken(file)))


def _unusable(of: str, path: str, judge: Callable[[bytes], Fault | None]) -> Lack | None:
    """Return what is wrong with an environment file that is there. Who starts the units is who reads it."""
    try:
        with Path(path).open("rb") as file:
            fault = judge(file.read(LARGEST + 1))
    except OSError as error:
        return _unread(of, error)
    if fault is None:
        return None
    place = f"Line {fault.line} of the" if fault.line else "The"
    return Lack(f"{place} {of} {fault.text}.", fault.cure, there=True)


def _taken(file: UnitFile) -> frozenset[str]:
    """Return the names that a file of variables would set in vain, or under which the unit hands on what it sets
    itself.
    """
    found = (_HANDED_ON.match(value) for value in file.values("Service", "Environment"))
    given = {match[1]: match[2] for match in found if match}
    return frozenset(given) | {name for name in given.values() if name == "PORT" or name.startswith("DEPLOYSTER_")}


def _unread(of: str, error: OSError) -> Lack:
    return Lack(
        f"The {of} can't be read: {error.strerror}.", "Give who runs Deployster the right to read it.", there=True
    )
