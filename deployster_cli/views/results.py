"""Results on the screen: one function a result, in whatever form was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.model import Release, Unit
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.unitfile import UnitFile
from deployster_cli.domain.wording import count, some_names
from deployster_cli.operations.carry_out import Carrying, Result
from deployster_cli.views import shapes
from deployster_cli.views.output import Output
from deployster_cli.views.tables import aligned

if TYPE_CHECKING:
    from deployster_cli.operations.check import Finding
    from deployster_cli.operations.standing import Entry


def telling(output: Output, carrying: Carrying) -> Result:
    """Tell every event of a rollout as it comes; its result."""
    progress = output.progress()
    try:
        while True:
            try:
                progress.tell(next(carrying))
            except StopIteration as end:
                result = end.value
                assert isinstance(result, Result)  # noqa: S101 - what Carrying returns
                return result
    finally:
        progress.close()


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


def show_plan(output: Output, plan: Plan, units: Sequence[Unit]) -> None:
    """What would happen, unit by unit."""
    rows = shapes.plan_rows(plan, units)
    output.show(
        json=lambda: {"plan": shapes.plan_shape(plan)},
        table=lambda: _plan_table(output, plan, rows),
        plain=lambda: rows,
    )


def announce_plan(output: Output, plan: Plan, units: Sequence[Unit]) -> None:
    """What is about to happen, on stderr, before it is asked whether it should."""
    output.note(aligned(shapes.PLAN_COLUMNS, shapes.plan_rows(plan, units)).rstrip())


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


def _plan_table(output: Output, plan: Plan, rows: Sequence[shapes.Row]) -> None:
    output.note(_plan_headline(plan))
    output.table(shapes.PLAN_COLUMNS, rows)


def _plan_headline(plan: Plan) -> str:
    if plan.empty:
        return f"Nothing to do: {plan.service} {plan.version} runs as wanted ({count(len(plan.keep), 'instance')})."
    parts = [(len(plan.start), "start"), (len(plan.watch), "wait for"), (len(plan.retire), "retire")]
    what = ", ".join(f"{verb} {number}" for number, verb in parts if number)
    return f"{plan.service} {plan.version}: {what} ({plan.policy.order.value}). Nothing was changed."


def show_deployed(output: Output, result: Result) -> None:
    """That a deploy is done, and what it did."""
    plan = result.plan
    shape = {
        **shapes.plan_shape(plan),
        "result": "unchanged" if plan.empty else "done",
        "seconds": round(result.seconds, 3),
    }
    up = len(plan.start) + len(plan.watch) + len(plan.keep)
    output.show(
        json=lambda: {"deploy": shape},
        table=lambda: output.text(_deployed(plan, up, result.seconds)),
        plain=lambda: [(plan.service, plan.version, str(shape["result"]), str(up), f"{result.seconds:.1f}")],
    )


def _deployed(plan: Plan, up: int, seconds: float) -> str:
    if plan.empty:
        return f"Nothing to do: {plan.service} {plan.version} runs as wanted ({count(up, 'instance')}).\n"
    gone = f", {some_names(plan.retire)} retired" if plan.retire else ""
    return f"Done: {plan.service} {plan.version} runs ({count(up, 'instance')}){gone}. {format_duration(seconds)}\n"


def show_destroyed(output: Output, result: Result) -> None:
    """That a destroy is done."""
    plan = result.plan
    output.show(
        json=lambda: {"destroy": {**shapes.plan_shape(plan), "result": "done", "seconds": round(result.seconds, 3)}},
        table=lambda: output.text(f"Done: {some_names(plan.retire)} is gone. {format_duration(result.seconds)}\n"),
        plain=lambda: [(plan.service, plan.version, "gone", str(len(plan.retire)), f"{result.seconds:.1f}")],
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
