"""fleetctl's tables: every row is read, none twice, and each cell is what stands there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from deployster_cli.domain.units.model import Machine, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines.fleet import parse
from deployster_cli.errors import OutputUnreadable
from tests.fuzz.target import FIXTURES, Target, read

Cells = tuple[str, ...]


def tables(data: bytes) -> bool:
    """The first byte says which listing the rest is."""
    text = data[1:].decode(errors="replace")
    return _LISTINGS[data[0] % len(_LISTINGS)](text) if data else True


def units(text: str) -> bool:
    """list-units."""
    rows = read(lambda: parse.unit_rows(text), OutputUnreadable)
    return rows is not None and _is_all_of(text, (_unit_cells(row) for row in rows))


def files(text: str) -> bool:
    """list-unit-files."""
    rows = read(lambda: parse.file_rows(text), OutputUnreadable)
    return rows is not None and _is_all_of(text, (_file_cells(row) for row in rows))


def machines(text: str) -> bool:
    """list-machines."""
    found = read(lambda: parse.machines(text), OutputUnreadable)
    return found is not None and _is_all_of(text, map(_machine_cells, found))


def both(text: str) -> bool:
    """list-units and list-unit-files, with a NUL between them, joined."""
    reported, _, registered = text.partition("\0")
    rows = read(lambda: parse.unit_rows(reported), OutputUnreadable)
    known = read(lambda: parse.file_rows(registered), OutputUnreadable)
    if rows is None or known is None:
        return False
    joined = parse.join(rows, known)
    texts = {row.name for row in rows} | {row.name for row in known}
    ours = {name for text in texts if (name := UnitName.parse(text))}
    assert [unit.name for unit in joined] == sorted(ours)
    assert all(_says_what_it_is(unit) for unit in joined)
    return True


_LISTINGS: tuple[Callable[[str], bool], ...] = (units, files, machines, both)


def _says_what_it_is(unit: Unit) -> bool:
    """Whether its derived states can be worked out, and its machines are told apart."""
    places = [copy.machine.id for copy in unit.copies if copy.machine]
    assert len(places) == len(set(places)), "one copy for each machine"
    return isinstance(unit.stopped, bool) and unit.condition.value != ""


def _is_all_of(text: str, rows: Iterable[Cells]) -> bool:
    """Whether the cells of all rows, tabs between them and a newline behind each row, are the whole text."""
    rest = text
    for cells in rows:
        for at, cell in enumerate(cells):
            shorter = rest.lstrip("\t") if at else rest
            assert (len(shorter) < len(rest)) == bool(at), "cells are parted by tabs"
            assert shorter.startswith(cell), f"{cell!a} does not stand at {shorter[:80]!a}"
            rest = shorter.removeprefix(cell)
        rest = rest.lstrip("\t")
        assert rest.startswith("\n"), f"more than was read stands at {rest[:80]!a}"
        rest = rest[1:]
    assert not rest, f"rows were dropped: {rest[:80]!a}"
    return True


def _at(machine: str, ip: str) -> str:
    return f"{machine}/{ip}" if ip else machine or "-"


def _unit_cells(row: parse.UnitRow) -> Cells:
    words = (row.load, row.active, row.sub, row.hash)
    return (row.name, _at(row.machine, row.ip), *(word or "-" for word in words))


def _file_cells(row: parse.FileRow) -> Cells:
    words = (row.hash, row.desired, row.current)
    head = (row.name, *(word or "-" for word in words), _at(row.target, row.ip))
    return (*head, row.description) if row.description else head


def _machine_cells(machine: Machine) -> Cells:
    pairs = ",".join(f"{key}={value}" for key, value in machine.metadata.items())
    return (machine.id, machine.ip or "-", pairs or "-")


def _seeds() -> tuple[bytes, ...]:
    """The recorded tables, as they were with a legend and without one, and both of them joined."""
    kinds = {"unit_rows": b"0", "file_rows": b"1", "machines": b"2"}
    cases = [json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / "fleetctl").glob("*.json"))]
    told = [(case["read_as"], case["stdout"].encode()) for case in cases if case["read_as"] in kinds and case["stdout"]]
    reported = [out for kind, out in told if kind == "unit_rows"]
    registered = [out for kind, out in told if kind == "file_rows"]
    pairs = zip(reported, registered, strict=False)
    return (*(kinds[kind] + out for kind, out in told), *(b"3" + one + b"\0" + other for one, other in pairs))


WORDS = (
    *(b"\t", b"\t\t", b"-\t", b"\n", b"\\\n", b"/", b"carousel-9f88701@1.service", b"a-b@2.service"),
    *(b"inactive", b"loaded", b"launched", b"active", b"running", b"failed", b"global", b"0123456789abcdef" * 2),
    *(b"01234567" * 5, b"10.0.0.1", b"zone=z1,disk=ssd", b" port 20001", b"UNIT\tMACHINE\tACTIVE\tSUB\n", b"\r\n"),
    *("\u2028".encode(), b"\x85", b"\x0b", b"\x00", "\u0661".encode()),
)

TARGET = Target(tables, _seeds(), WORDS)
