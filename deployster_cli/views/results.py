"""Results on the screen: one function a result, in whatever form was asked for."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from deployster_cli.domain.payloads import encode, service_shape, unit_shape, with_silent
from deployster_cli.domain.units.model import Release, Unit
from deployster_cli.domain.wording import not_known, release_state, state, where
from deployster_cli.views.output import Listing, Output, emit, is_terminal
from deployster_cli.views.text import Row, ago, aligned, plain

if TYPE_CHECKING:
    from deployster_cli.domain.units.unitfile import UnitFile
    from deployster_cli.operations.check import Finding
    from deployster_cli.operations.releases import Entry
    from deployster_cli.operations.watch import Look

T = TypeVar("T")

UNIT_COLUMNS = ("SERVICE", "VERSION", "INSTANCE", "STATE", "MACHINE", "PORT")
UNIT_COLUMNS_WIDE = (*UNIT_COLUMNS, "DESIRED", "CURRENT", "LOAD", "ACTIVE", "SUB", "MACHINE-ID", "UNIT")
SERVICE_COLUMNS = ("SERVICE", "VERSION", "RUNNING", "INSTANCES", "STATE", "MACHINES")


def unit_row(unit: Unit) -> Row:
    """One line of ``units``: UNIT_COLUMNS."""
    port = "-" if unit.port is None else str(unit.port)
    name = unit.name
    return name.service, name.version, str(name.instance), state(unit), where(unit), port


def unit_row_wide(unit: Unit) -> Row:
    """One line of ``units -o wide`` and ``-o plain``: UNIT_COLUMNS_WIDE."""
    machine = unit.machine.id if unit.machine else "-"
    return (
        *unit_row(unit),
        unit.desired or "-",
        unit.current or "-",
        unit.load or "-",
        unit.active or "-",
        unit.sub or "-",
        machine,
        unit.name.text,
    )


def service_row(release: Release, between: str = ",") -> Row:
    """One line of ``services``: SERVICE_COLUMNS. ``between`` parts the machines."""
    machines = sorted({where(unit) for unit in release.units if unit.machine})
    running, all_of_it = str(len(release.running)), str(len(release.units))
    there = between.join(machines) or "-"
    return release.service, release.version, running, all_of_it, release_state(release), there


def history_row(entry: Entry, said: Callable[[str], str] = str) -> Row:
    """One line of ``history``; ``said`` makes words of the time of a deploy."""
    at = said(entry.deployed_at) if entry.deployed_at else "-"
    return entry.version, str(entry.running), at, entry.deployed_by or "-"


def units_listing(
    output: Output, units: Sequence[Unit], service: str | None, meant: str = "", silent: Mapping[str, str] | None = None
) -> Listing:
    """Return the units as a listing. ``meant`` is said behind the sentence that there is none; ``silent`` machines →
    why.
    """
    wide = output.form == "wide"
    row = unit_row_wide if wide else unit_row
    return Listing(
        columns=UNIT_COLUMNS_WIDE if wide else UNIT_COLUMNS,
        rows=lambda: [row(unit) for unit in units],
        plain=lambda: [unit_row_wide(unit) for unit in units],
        json=lambda: with_silent({"units": [unit_shape(unit) for unit in units]}, silent or {}),
        empty=f"No units of {service} found.{meant}" if service else "No units found.",
        by=2,
    )


def services_listing(releases: Sequence[Release]) -> Listing:
    """Return the releases of every service as a listing."""
    return Listing(
        columns=SERVICE_COLUMNS,
        rows=lambda: [service_row(release, ", ") for release in releases],
        plain=lambda: [service_row(release) for release in releases],
        json=lambda: {"services": [service_shape(release) for release in releases]},
        empty="No units found.",
        by=1,
    )


def show_history(output: Output, service: str, entries: Sequence[Entry], silent: Mapping[str, str]) -> None:
    """Show a service's releases, newest first, and the ``silent`` machines → why. On a terminal times are told as
    people say them.
    """
    now = time.time()
    said = (lambda stamp: ago(stamp, now)) if is_terminal(sys.stdout) else str
    output.listing(
        Listing(
            columns=("VERSION", "RUNNING", "DEPLOYED", "BY"),
            rows=lambda: [history_row(entry, said) for entry in entries],
            plain=lambda: [history_row(entry) for entry in entries],
            json=lambda: with_silent({"service": service, "history": encode(entries)}, silent),
        )
    )


def show_diff(output: Output, lines: Sequence[str]) -> None:
    """Show a unified diff, or that there is none."""
    output.show(
        json=lambda: {"diff": list(lines)},
        table=lambda: output.text("".join(f"{line}\n" for line in lines)) if lines else output.note("No difference."),
        plain=lambda: [(line,) for line in lines],
    )


def show_unit_file(output: Output, file: UnitFile) -> None:
    """Show a unit file as it is."""
    output.show(
        json=lambda: {"unit": file.name.text, "options": [list(option) for option in file.options]},
        table=lambda: output.text(file.text),
        plain=lambda: [(file.name.text, *option) for option in file.options],
    )


def show_templates(output: Output, found: Mapping[str, str]) -> None:
    """Show the templates and where each is from."""
    rows = list(found.items())
    output.show(
        json=lambda: {"templates": [{"name": name, "from": where} for name, where in rows]},
        table=lambda: output.table(("TEMPLATE", "FROM"), rows),
        plain=lambda: rows,
    )


def show_findings(output: Output, findings: Sequence[Finding]) -> None:
    """Show what the doctor found, the cure behind each fault; in a table behind the first of those that it cures."""
    rows = [_found(finding, finding.cure) for finding in findings]
    output.show(
        json=lambda: {
            "findings": [
                {
                    "subject": f.subject,
                    "state": f.state.value.lower(),
                    "ok": f.fine,
                    "text": f.text,
                    "cure": f.cure or None,
                }
                for f in findings
            ]
        },
        table=lambda: output.table(("WHAT", "STATE", "FOUND"), _cures_once(findings)),
        plain=lambda: rows,
    )


def _cures_once(findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """Return a row each. A cluster whose host keys are all unknown has one long cure, not as many as it has
    machines.
    """
    first = {finding.cure: finding for finding in reversed(findings)}
    return [_found(finding, finding.cure if first[finding.cure] is finding else "") for finding in findings]


def _found(finding: Finding, cure: str) -> tuple[str, str, str]:
    return finding.subject, finding.state.value, " ".join(filter(None, (finding.text, cure)))


COLUMNS = ("KEY", "FROM", "VALUE")


class Setting(Protocol):
    """One setting: its dotted key, its value as JSON knows it, and who gave it."""

    @property
    def key(self) -> str:
        """The dotted key."""
        ...

    @property
    def value(self) -> object:
        """What it is; None where it isn't set."""
        ...

    @property
    def source(self) -> str:
        """Who gave it."""
        ...


def show_settings(output: Output, entries: Sequence[Setting]) -> None:
    """Each setting with its value and where it came from. In a table the value is last: it may be long."""
    output.show(
        json=lambda: {"settings": [{"key": e.key, "value": e.value, "from": e.source} for e in entries]},
        table=lambda: output.table(COLUMNS, [(e.key, e.source, _text(e.value)) for e in entries]),
        plain=lambda: [(e.key, _text(e.value), e.source) for e in entries],
    )


def _text(value: object) -> str:
    """Return a value in a cell: one line, ``-`` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_written(output: Output, service: str, paths: Sequence[str], *, setup: bool) -> None:
    """Show the files of a new project, and what to type next; ``setup``: its machines can be made ready."""
    wrote = "".join(f"Wrote {path}\n" for path in paths)
    then = f"deployster setup, and deployster deploy {service} VERSION" if setup else "deployster check"
    output.show(
        json=lambda: {"service": service, "files": list(paths)},
        table=lambda: output.say(f"{wrote}Next: change deployster.toml to fit, then {then}\n"),
        plain=lambda: [(path,) for path in paths],
    )


def watch(output: Output, looks: Iterator[Look[T]], listing: Callable[[T], Listing], title: str) -> None:
    """Show every look until it is interrupted, or until nobody reads any more.

    With -v never in place: the lines about the calls would go right through the table.
    """
    if output.form in {"table", "wide"} and is_terminal(sys.stdout) and not output.verbose:
        from deployster_cli.views.terminal.watch import draw  # rich is slow to import

        draw(looks, listing, title, color=output.color)
    else:
        _blocks(output, looks, listing)


def _blocks(output: Output, looks: Iterator[Look[T]], listing: Callable[[T], Listing]) -> None:
    shown, away, silent = "", False, frozenset[str]()
    for look in looks:
        if bool(look.away) != away:
            away = bool(look.away)
            output.note(f"{look.at} {look.away or 'The engine answers again.'}")
        for machine in sorted(silent ^ look.silent.keys()):
            why = look.silent.get(machine)
            output.note(f"{look.at} {not_known(why) if why else f'{machine} answers again.'}")
        silent = frozenset(look.silent)
        if _abandoned(sys.stdout):
            return
        text = _block(output.form, listing(look.what))
        if text != shown and not emit(f"{look.at}\n{text}" if output.form in {"table", "wide"} else text, sys.stdout):
            return
        shown = text


def _abandoned(stream: IO[str] | None) -> bool:
    """Whether the reader at a pipe's other end has gone, which no write has told yet as nothing has changed."""
    poll = select.poll()
    try:
        poll.register(stream.fileno() if stream else -1, 0)
        return bool(poll.poll(0))
    except (OSError, ValueError, OverflowError):
        return False


def _block(form: str, listing: Listing) -> str:
    """One block: JSON on one line, else the rows and an empty line."""
    if form == "json":
        import json  # only -o json needs it

        return json.dumps(listing.json(), ensure_ascii=False) + "\n"
    if form == "plain":
        return plain(listing.plain()) + "\n"
    rows = listing.rows()
    return (aligned(listing.columns, rows) if rows else f"{listing.empty}\n") + "\n"
