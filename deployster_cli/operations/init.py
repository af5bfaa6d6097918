"""The files of a new project, from the scaffold that comes with Deployster. Nothing that is there is written over."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path

from deployster_cli.domain.units.names import check_service
from deployster_cli.engines.declaration import Declaration
from deployster_cli.errors import DeploysterError, InvalidInput

SCAFFOLD = "deployster_cli.scaffold"

# The service's name where the folder's can't be one.
FALLBACK = "web"

# Machines to be written over.
EXAMPLES = ("web1.example.com", "web2.example.com")


def service_for(folder: Path) -> str:
    """Return a name for the service of the project in ``folder``: the folder's own where that can name one."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    try:
        return check_service(name)
    except InvalidInput:
        return FALLBACK


def check_machines(its: Declaration, machines: Sequence[str]) -> None:
    """InvalidInput where these are no machines for the engine."""
    if not its.machines:
        raise InvalidInput(f"--machine names machines of an engine that is told them; {its.place} needs none named.")
    if fault := its.kinds[its.machines].fault(list(machines)):
        raise InvalidInput(f"--machine {fault}.")


def project_files(
    service: str, its: Declaration, taken: Collection[str], machines: Sequence[str] = ()
) -> Mapping[str, str]:
    """Path → text of each file of a new project. InvalidInput for what can't name a service, or be these machines.

    ``its`` is the declaration of the engine that is to run it, on ``machines`` where any are named: without, two
    made-up ones stand there. ``taken`` are the built-in templates' names: a template
    that extends one can't have its name.
    """
    check_service(service)
    if machines:
        check_machines(its, machines)
    template = f"my-{service}" if service in taken else service
    parts = {
        "deployster.toml": (its.scaffold, "deployster.toml"),
        f"templates/{template}.service.j2": (its.scaffold, "template.service.j2"),
        "deployster.mk": (SCAFFOLD, "deployster.mk"),
    }
    named = ", ".join(json.dumps(machine, ensure_ascii=False) for machine in machines or EXAMPLES)
    return {path: _text(*part, service, template).replace("@MACHINES@", named) for path, part in parts.items()}


def write(folder: Path, files: Mapping[str, str], *, overwrite: bool = False) -> None:
    """Write the files; DeploysterError where one is there already (none is written then) or can't be written."""
    there = [path for path in files if os.path.lexists(folder / path)]
    if there and not overwrite:
        verb = "exists" if len(there) == 1 else "exist"
        raise DeploysterError(
            f"{' and '.join(there)} already {verb}. Nothing was written.", "--overwrite replaces existing files."
        )
    for path, text in files.items():
        try:
            _put(folder / path, text, overwrite=overwrite)
        except OSError as error:
            raise DeploysterError(f"{path} can't be written: {error.strerror}.") from error


def _text(package: str, part: str, service: str, template: str) -> str:
    text = (resources.files(package) / part).read_text("utf-8")
    return text.replace("@SERVICE@", service).replace("@TEMPLATE@", template)


def _put(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a new file: what is there goes first where that was asked for, and is an error else."""
    path.parent.mkdir(exist_ok=True)
    if overwrite:
        path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
