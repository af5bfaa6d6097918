"""The recorded calls of the real fleetctl in tests/fixtures/fleetctl, and how each is read.

A new case is a new file: argv, exit (null: stopped at its time limit), stdout, stderr and seconds as they were,
``read_as`` naming a reader of READERS, and ``expected``: {"value": …}, or {"error": …, "says": …}.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.fleet import parse, results
from deployster_cli.engines.process import Completed

FOLDER = Path(__file__).parents[2] / "fixtures" / "fleetctl"
FILES = sorted(FOLDER.glob("*.json"))


def recording(name: str) -> dict[str, Any]:
    """One file's content."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def completed(call: dict[str, Any]) -> Completed:
    """The call as the process edge hands it on."""
    return Completed(tuple(call["argv"]), call["exit"], call["stdout"], call["stderr"], call["seconds"])


def _name(done: Completed) -> UnitName:
    found = UnitName.parse(done.argv[-1])
    assert found is not None
    return found


def _machine(machine: Machine) -> list[object]:
    return [machine.id, machine.ip, dict(machine.metadata)]


def _file(row: parse.FileRow) -> list[str]:
    """The row, without its description where the listing was asked for none."""
    return list(row if row.description else row[:-1])


def _cat(done: Completed) -> list[list[str]] | None:
    options = results.unit_options(done, done.argv[-1])
    return None if options is None else [list(option) for option in options]


READERS: dict[str, Callable[[Completed], object]] = {
    "answer": results.answer,
    "version": results.program_version,
    "triggered": lambda done: sorted(results.triggered(done)),
    "removed": results.removed,
    "unit_rows": lambda done: [list(row) for row in parse.unit_rows(results.answer(done))],
    "file_rows": lambda done: [_file(row) for row in parse.file_rows(results.answer(done))],
    "machines": lambda done: [_machine(machine) for machine in parse.machines(results.answer(done))],
    "cat": _cat,
    "journal": lambda done: list(results.journal_lines(done, _name(done))),
}
