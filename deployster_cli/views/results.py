"""Results on the screen: one function a result, in whatever form was asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from deployster_cli.domain.units.model import Release, Unit
from deployster_cli.views import rows as shapes
from deployster_cli.views.output import Listing, Output, is_terminal
from deployster_cli.views.text import ago

if TYPE_CHECKING:
    from deployster_cli.domain.units.unitfile import UnitFile
    from deployster_cli.operations.check import Finding
    from deployster_cli.operations.releases import Entry


def units_listing(output: Output, units: Sequence[Unit], service: str | None, meant: str = "") -> Listing:
    """The units as a listing. ``meant`` is said behind the sentence that there is none."""
    wide = output.form == "wide"
    row = shapes.unit_row_wide if wide else shapes.unit_row
    return Listing(
        columns=shapes.UNIT_COLUMNS_WIDE if wide else shapes.UNIT_COLUMNS,
        rows=lambda: [row(unit) for unit in units],
        plain=lambda: [shapes.unit_row_wide(unit) for unit in units],
        json=lambda: {"units": [shapes.unit_shape(unit) for unit in units]},
        empty=f"There is no unit of {service}.{meant}" if service else "There are no units of Deployster's.",
        by=2,
    )


def services_listing(releases: Sequence[Release]) -> Listing:
    """The releases of every service as a listing."""
    return Listing(
        columns=shapes.SERVICE_COLUMNS,
        rows=lambda: [shapes.service_row(release, ", ") for release in releases],
        plain=lambda: [shapes.service_row(release) for release in releases],
        json=lambda: {"services": [shapes.service_shape(release) for release in releases]},
        empty="There are no units of Deployster's.",
        by=1,
    )


def show_history(output: Output, service: str, entries: Sequence[Entry]) -> None:
    """A service's releases, newest first. On a terminal their times are told as people say them."""
    now = time.time()
    said = (lambda stamp: ago(stamp, now)) if is_terminal(sys.stdout) else str
    output.listing(
        Listing(
            columns=("VERSION", "RUNNING", "DEPLOYED", "BY"),
            rows=lambda: [shapes.history_row(entry, said) for entry in entries],
            plain=lambda: [shapes.history_row(entry) for entry in entries],
            json=lambda: {"service": service, "history": [shapes.history_shape(entry) for entry in entries]},
        )
    )


def show_diff(output: Output, lines: Sequence[str]) -> None:
    """A unified diff, or that there is none."""
    output.show(
        json=lambda: {"diff": list(lines)},
        table=lambda: output.text("".join(f"{line}\n" for line in lines)) if lines else output.note("No difference."),
        plain=lambda: [(line,) for line in lines],
    )


def show_unit_file(output: Output, file: UnitFile) -> None:
    """A unit file as it is."""
    output.show(
        json=lambda: {"unit": file.name.text, "options": [list(option) for option in file.options]},
        table=lambda: output.text(file.text),
        plain=lambda: [(file.name.text, *option) for option in file.options],
    )


def show_templates(output: Output, found: Mapping[str, str]) -> None:
    """The templates and where each is from."""
    rows = list(found.items())
    output.show(
        json=lambda: {"templates": [{"name": name, "from": where} for name, where in rows]},
        table=lambda: output.table(("TEMPLATE", "FROM"), rows),
        plain=lambda: rows,
    )


def show_findings(output: Output, findings: Sequence[Finding]) -> None:
    """What the doctor found, the cure behind each fault; in a table behind the first of those that it cures."""
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
    """A row each. A cluster whose host keys are all unknown has one long cure, not as many as it has machines."""
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
    """A value in a cell: one line, ``-`` for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_written(output: Output, service: str, paths: Sequence[str]) -> None:
    """The files of a new project, and what to type next."""
    wrote = "".join(f"Wrote {path}\n" for path in paths)
    output.show(
        json=lambda: {"service": service, "files": list(paths)},
        table=lambda: output.say(f"{wrote}Next: change deployster.toml to fit, then deployster check\n"),
        plain=lambda: [(path,) for path in paths],
    )
