"""A fleetctl with a cluster of its own in a file, where all goes well and at once: for counting calls.

CLUSTER names the folder: ``units.json`` holds the registry, ``calls`` gets one line a call: its verb, ``renewal`` for
a submit that renews a lock, or ``again`` for a stop or unload that was asked for before. What it prints is what
fleetctl 1.0.0 prints.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deployster_cli.domain.units.unitfile import hash_of

MACHINE = "09de01dc169e0dcf6a137baef3d7e12a/10.77.0.12"

# Unit → its ``text``, and the state in which it is wanted and is.
Registry = dict[str, dict[str, str]]


def main(folder: Path, argv: Sequence[str]) -> int:
    """One call; its exit code."""
    verb, *operands = (word for word in argv if not word.startswith("-"))
    file = folder / "units.json"
    units: Registry = json.loads(file.read_text()) if file.exists() else {}
    asked = verb in LEFT and all(units[name]["state"] == LEFT[verb] for name in operands)
    with (folder / "calls").open("a") as calls:
        calls.write("renewal\n" if "--replace" in argv else "again\n" if asked else f"{verb}\n")
    code = VERBS[verb](units, operands)
    if verb in CHANGES:
        (folder / "new").write_text(json.dumps(units))
        (folder / "new").replace(file)
    return code


def _list_units(units: Registry, _: Sequence[str]) -> int:
    for name, unit in units.items():
        if unit["state"] != "inactive":
            states = "active\trunning" if unit["state"] == "launched" else "inactive\tdead"
            _say(f"{name}\t{MACHINE}\tloaded\t{states}\t{hash_of(unit['text'])}")
    return 0


def _list_unit_files(units: Registry, _: Sequence[str]) -> int:
    for name, unit in units.items():
        target = "-" if unit["state"] == "inactive" else MACHINE
        described = next(line for line in unit["text"].splitlines() if line.startswith("Description="))
        cells = (name, hash_of(unit["text"]), unit["state"], unit["state"], target, described.partition("=")[2])
        _say("\t".join(cells))
    return 0


def _start(units: Registry, paths: Sequence[str]) -> int:
    return _enter(units, paths, "launched", "Triggered unit {} start")


def _submit(units: Registry, paths: Sequence[str]) -> int:
    return _enter(units, paths, "inactive", "Unit {} inactive")


def _load(units: Registry, paths: Sequence[str]) -> int:
    return _enter(units, paths, "loaded", "Triggered unit {} load")


def _enter(units: Registry, paths: Sequence[str], state: str, told: str) -> int:
    for path in map(Path, paths):
        unit = units.setdefault(path.name, {"text": path.read_text() if path.exists() else ""})
        unit["state"] = state
        _say(told.format(path.name))
    return 0


def _stop(units: Registry, names: Sequence[str]) -> int:
    return _leave(units, names, "stop")


def _unload(units: Registry, names: Sequence[str]) -> int:
    return _leave(units, names, "unload")


def _leave(units: Registry, names: Sequence[str], verb: str) -> int:
    for name in names:
        units[name]["state"] = LEFT[verb]
        _say(f"Triggered unit {name} {verb}")
    return 0


def _destroy(units: Registry, names: Sequence[str]) -> int:
    for name in names:
        del units[name]
        _say(f"Destroyed {name}")
    return 0


def _cat(units: Registry, names: Sequence[str]) -> int:
    name = names[0]
    if name not in units:
        sys.stderr.write(f"Unit {name} not found\n")
        return 1
    sys.stdout.write(units[name]["text"])
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


CHANGES: dict[str, Callable[[Registry, Sequence[str]], int]] = {
    "start": _start,
    "submit": _submit,
    "load": _load,
    "stop": _stop,
    "unload": _unload,
    "destroy": _destroy,
}

# In which state a verb leaves units.
LEFT = {"stop": "loaded", "unload": "inactive"}

VERBS = {"list-units": _list_units, "list-unit-files": _list_unit_files, "cat": _cat, **CHANGES}

if __name__ == "__main__":
    sys.exit(main(Path(os.environ["CLUSTER"]), sys.argv[1:]))
