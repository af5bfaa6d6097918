"""What fleetctl's listings print → values. Pure, and strict: a row that is not exactly one of fleet's is an error.

Each pattern is a whole row, so that a table of thousands is read in one go. Cells are parted by one or more tabs
(fleetctl pads its columns with them), an empty cell is ``-``, and every row ends in a newline: without one the table
was cut off. Headers are unreadable too: the listings are asked for with --no-legend. The forms were read off fleetctl
1.0.0.
"""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from deployster_cli.domain.units.descriptions import read
from deployster_cli.domain.units.model import Machine, State, Unit, worst_of
from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.errors import OutputUnreadable, TemplateFault

if TYPE_CHECKING:
    from deployster_cli.domain.units.unitfile import Option

# What list-unit-files shows for the target of a global unit: it has no one machine.
GLOBAL = "global"

_NAME = r"(?!-\t)([A-Za-z0-9:_.\\@-]{1,255})"
_ID = r"([0-9a-f][0-9a-f-]*)"
_IP = r"([0-9A-Za-z.:%_-]+)"
_HASH = r"(?:-|([0-9a-f]{40}))"
_WORD = r"(?:-|([a-z0-9][a-z0-9-]*))"
_STATE = r"(?:-|(inactive|loaded|launched))"


def _row(*cells: str) -> re.Pattern[str]:
    return re.compile("^" + r"\t+".join(cells) + "$", re.MULTILINE)


_UNIT_ROW = _row(_NAME, f"(?:-|{_ID}(?:/{_IP})?)", _WORD, _WORD, _WORD, _HASH)
_FILE_HEAD = r"\t+".join((_NAME, _HASH, _STATE, _STATE, f"(?:-|({GLOBAL}(?!/)|{_ID[1:-1]})(?:/{_IP})?)"))
_NEXT_FILE = re.sub(r"\((?!\?)", "(?:", _FILE_HEAD)

# Anything. A Description that its unit file continues on another line keeps the backslash and the line break.
_DESCRIPTION = rf"(?:\t+((?:[^\n]*\\\n(?!{_NEXT_FILE}))*[^\n]*))?"

_FILE_ROW = re.compile(f"^{_FILE_HEAD}{_DESCRIPTION}$", re.MULTILINE)
_MACHINE_ROW = _row(_ID, f"(?:-|{_IP})", r"(?:-|([^\t\n=,]+=[^\t\n,]*(?:,[^\t\n=,]+=[^\t\n,]*)*))")

_SECTIONS = {"Unit", "Service"}

# systemd's active states, the worst first.
_WELL = ("", "failed", "inactive", "deactivating", "activating", "reloading", "active")

_STATES = {"": None, **{state.value: state for state in State}}


class UnitRow(NamedTuple):
    """A row of list-units: what one machine's systemd says of one unit. Empty where fleetctl prints ``-``."""

    name: str
    machine: str
    ip: str
    load: str
    active: str
    sub: str
    hash: str


class FileRow(NamedTuple):
    """A row of list-unit-files: what the registry says of one unit. A global one has GLOBAL for a target, and no state.

    ``description`` is all that is listed of its content; see domain.descriptions.
    """

    name: str
    hash: str
    desired: str
    current: str
    target: str
    ip: str
    description: str = ""


@contextlib.contextmanager
def no_collecting() -> Iterator[None]:
    """For making thousands of values that all stay: the garbage collector would walk them over and over.

    It would walk them once more afterwards but for gc.freeze, which makes them old. But that begins its counting anew:
    where a listing is made each second it would never collect anything again.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@no_collecting()
def unit_rows(text: str) -> tuple[UnitRow, ...]:
    """Return the rows of ``args.list_units``, all of the cluster; OutputUnreadable quotes the line that is none."""
    return tuple(map(UnitRow._make, _table("list-units", _UNIT_ROW, text)))


@no_collecting()
def file_rows(text: str) -> tuple[FileRow, ...]:
    """Return the rows of ``args.list_unit_files``, all of the registry; OutputUnreadable quotes the line that
    is none.
    """
    return tuple(map(FileRow._make, _table("list-unit-files", _FILE_ROW, text)))


def machines(text: str) -> tuple[Machine, ...]:
    """Return the rows of ``args.list_machines``; OutputUnreadable quotes the line that is none."""
    return tuple(
        Machine(at, ip, _metadata(metadata)) for at, ip, metadata in _table("list-machines", _MACHINE_ROW, text)
    )


def _metadata(text: str) -> dict[str, str]:
    pairs = [pair.split("=", 1) for pair in text.split(",") if pair]
    found = dict(pairs)
    if len(found) < len(pairs):
        raise OutputUnreadable(f"fleetctl list-machines printed a machine that says one thing twice: {quoted(text)}")
    return found


def unit_options(name: str, text: str) -> tuple[Option, ...]:
    """Return the options of the unit file that ``args.cat`` printed; OutputUnreadable where it is none, or was cut off.

    Nothing at all is none either: fleet's API takes no unit without options (1.0.0, api/units.go).
    """
    from deployster_cli.domain.units.unitfile import parse_options  # listings need none

    _check_end("cat", text)
    try:
        found = parse_options(text)
    except TemplateFault as fault:
        raise OutputUnreadable(f"fleetctl cat printed no unit file for {name}: {fault.message}") from fault
    if not _SECTIONS & {section for section, _, _ in found}:
        raise OutputUnreadable(f"fleetctl cat printed no unit file for {name}: it has neither [Unit] nor [Service].")
    return found


@no_collecting()
def join(reported: Iterable[UnitRow], files: Iterable[FileRow]) -> tuple[Unit, ...]:
    """Return the units whose names are ours, ordered by name, each from all that both lists say of it.

    A unit that the registry no longer has is desired None. A row of an earlier run of the same name, or of another
    machine than the one where the unit is wanted now, tells nothing of this run: the unit then counts as not reported.
    One whose Description is none of ours counts as foreign; its file may know better.
    A global unit has a copy for each machine that reports it.
    """
    known = {row.name: row for row in files}
    rows: dict[str, list[UnitRow]] = {}
    for row in reported:
        rows.setdefault(row.name, []).append(row)
    units = [_unit(name, file, rows.pop(text, ())) for text, file in known.items() if (name := UnitName.parse(text))]
    units += [_leaving(name, left) for text, left in rows.items() if (name := UnitName.parse(text))]
    return tuple(sorted(units, key=_in_order))


_in_order: Callable[[Unit], tuple[str, str, int, str]] = attrgetter(
    "name.service", "name.version", "name.instance", "name.made"
)


def _unit(name: UnitName, file: FileRow, rows: Sequence[UnitRow]) -> Unit:
    if file.target == GLOBAL:
        return _everywhere(name, file, rows)
    _, run, wanted, state, target, ip, description = file
    desired, current, at = _STATES[wanted], _STATES[state], _machine(target, ip)
    ours, port = read(description, name)
    telling = _telling(file, rows)
    if telling is None:
        return Unit(name, desired, current, "", "", "", at, run, None, port, foreign=not ours)
    _, machine, address, load, active, sub, _ = telling
    at = at or _machine(machine, address)
    return Unit(name, desired, current, load, active, sub, at, run, None, port, foreign=not ours)


def _leaving(name: UnitName, rows: Sequence[UnitRow]) -> Unit:
    """Return a unit that the registry no longer has, where it still is."""
    found = [
        Unit(name, None, None, r.load, r.active, r.sub, _machine(r.machine, r.ip), r.hash) for r in _once_each(rows)
    ]
    return found[0] if len(found) == 1 else worst_of(found)


def _everywhere(name: UnitName, file: FileRow, rows: Sequence[UnitRow]) -> Unit:
    """Return a global unit. The registry knows neither its machines nor how it is there: what is known is what they
    report.
    """
    ours, port = read(file.description, name)
    here = Unit(name, _STATES[file.desired], hash=file.hash, port=port, everywhere=True, foreign=not ours)
    copies = [
        here._replace(load=row.load, active=row.active, sub=row.sub, machine=_machine(row.machine, row.ip))
        for row in _once_each(_same_run(file, rows))
    ]
    return worst_of(copies) if copies else here


def _once_each(rows: Iterable[UnitRow]) -> Iterable[UnitRow]:
    """One row a machine, its last: fleet's API gives a listing by the page, and a unit that comes moves the pages."""
    return {row.machine: row for row in rows}.values()


def _same_run(file: FileRow, rows: Sequence[UnitRow]) -> list[UnitRow]:
    """Return the rows without those of an earlier run: fleet lists them for up to 10 s after a name is used again."""
    return [row for row in rows if not row.hash or not file.hash or row.hash == file.hash]


def _telling(file: FileRow, rows: Sequence[UnitRow]) -> UnitRow | None:
    """Return the row that speaks of the unit as the registry has it now.

    Of a unit that moved, the machine it left still has a row. While the unit is wanted to run that one does not count;
    once it is not, it counts as running for as long as it runs anywhere.
    """
    if len(rows) == 1 and rows[0].hash == file.hash and rows[0].machine == file.target:
        return rows[0]  # nearly every unit, and there may be thousands
    same_run = _same_run(file, rows)
    if file.desired != State.LAUNCHED:
        return max(same_run, key=_how_well, default=None)
    at_target = [row for row in same_run if row.machine == file.target or not file.target]
    return min(at_target, key=_how_well, default=None)


def _how_well(row: UnitRow) -> tuple[int, str]:
    """How far the unit is from not running there; of two rows that are as far the order is always the same."""
    return _WELL.index(row.active) if row.active in _WELL else -1, row.machine


@lru_cache(maxsize=1024)
def _machine(at: str, ip: str) -> Machine | None:
    return Machine(at, ip) if at else None


def _table(listing: str, pattern: re.Pattern[str], text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = pattern.findall(text)
    _check_end(listing, text)
    if len(found) != text.count("\n"):  # some line is no row, or a row of several lines
        _check_lines(listing, pattern, text, len(found))
    return found


def _check_lines(listing: str, pattern: re.Pattern[str], text: str, rows: int) -> None:
    """OutputUnreadable where the rows are not all of the text, save their newlines."""
    rest = pattern.sub("", text)
    if rest.strip("\n") or len(rest) != rows:
        line = next(line for line in text.split("\n") if not pattern.fullmatch(line))
        raise OutputUnreadable(f"fleetctl {listing} printed a line that is not a row of its table: {quoted(line)}")


def _check_end(listing: str, text: str) -> None:
    if text and not text.endswith("\n"):
        cut = text.rpartition("\n")[2]
        raise OutputUnreadable(f"fleetctl {listing} stopped in the middle of a line: {quoted(cut)}")
