"""Results on the screen: one function a result, in whatever form was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployster_cli.domain.model import Release, Unit
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.views import shapes
from deployster_cli.views.output import Output

if TYPE_CHECKING:
    from deployster_cli.operations.check import Finding
    from deployster_cli.operations.standing import Entry


def show_units(output: Output, units: Sequence[Unit], service: str | None) -> None:
    """The units, or a note that there are none."""
    empty = f"There is no unit of {service}." if service else "There are no units of ours."
    wide = output.form == "wide"
    columns = shapes.UNIT_COLUMNS_WIDE if wide else shapes.UNIT_COLUMNS
    row = shapes.unit_row_wide if wide else shapes.unit_row
    output.show(
        json=lambda: {"units": [shapes.unit_shape(unit) for unit in units]},
        table=lambda: output.table(columns, [row(unit) for unit in units], empty=empty),
        plain=lambda: [shapes.unit_row_wide(unit) for unit in units],
    )


def show_services(output: Output, releases: Sequence[Release]) -> None:
    """The releases of every service."""
    rows = [shapes.service_row(release) for release in releases]
    output.show(
        json=lambda: {"services": [shapes.service_shape(release) for release in releases]},
        table=lambda: output.table(shapes.SERVICE_COLUMNS, rows, empty="There are no units of ours."),
        plain=lambda: rows,
    )


def show_history(output: Output, service: str, entries: Sequence[Entry]) -> None:
    """A service's releases, newest first."""
    rows = [(e.version, str(e.running), e.deployed_at or "-", e.deployed_by or "-") for e in entries]
    output.show(
        json=lambda: {
            "service": service,
            "history": [
                {
                    "version": e.version,
                    "running": e.running,
                    "deployed_at": e.deployed_at or None,
                    "deployed_by": e.deployed_by or None,
                }
                for e in entries
            ],
        },
        table=lambda: output.table(("VERSION", "RUNNING", "DEPLOYED", "BY"), rows),
        plain=lambda: rows,
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
    """What the doctor found, the cure behind each fault."""
    rows = [(f.subject, "ok" if f.fine else "FAULT", " ".join(filter(None, (f.text, f.cure)))) for f in findings]
    output.show(
        json=lambda: {
            "findings": [{"subject": f.subject, "ok": f.fine, "text": f.text, "cure": f.cure or None} for f in findings]
        },
        table=lambda: output.table(("WHAT", "STATE", "FOUND"), rows),
        plain=lambda: rows,
    )
