"""Rollouts on the screen: the plan before, the events while it runs, what it did at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.events import Tell
from deployster_cli.domain.payloads import plan_shape
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.units.model import Unit
from deployster_cli.domain.wording import count, left_alone, left_out, on, resized, some_names, taken_over, where
from deployster_cli.operations.rollout import Result
from deployster_cli.views.output import Output
from deployster_cli.views.progress import progress
from deployster_cli.views.text import Row


def with_progress(output: Output, run: Callable[[Tell], Result]) -> Result:
    """Run it and show each event as it comes; its result."""
    shown = progress(output)
    try:
        return run(shown.tell)
    finally:
        shown.close()


def show_plan(output: Output, plan: Plan, units: Sequence[Unit], place: str = "") -> None:
    """Show what would happen, unit by unit; ``place`` is the cluster's name."""
    rows = plan_rows(plan, units)
    output.show(
        json=lambda: {"plan": plan_shape(plan)},
        table=lambda: _plan_table(output, plan, rows, place),
        plain=lambda: rows,
    )


def announce_adoption(output: Output, plan: Plan, units: Sequence[Unit]) -> None:
    """Which units would be taken over, on stderr, before it is asked whether they should."""
    output.note("Not created by Deployster:")
    output.table(ADOPTED_COLUMNS, adopted_rows(plan, units), announced=True)


def announce_plan(output: Output, plan: Plan, units: Sequence[Unit]) -> None:
    """Show what is about to happen, on stderr, before it is asked whether it should."""
    output.table(PLAN_COLUMNS, plan_rows(plan, units), announced=True)


def _plan_table(output: Output, plan: Plan, rows: Sequence[Row], place: str) -> None:
    output.note(f"{_resized(plan)}{_plan_headline(plan, place)}")
    for remark in filter(None, (taken_over(plan.adopted), left_alone(plan.beside), left_out(plan.aside))):
        output.note(remark)
    output.table(PLAN_COLUMNS, rows)


def _plan_headline(plan: Plan, place: str) -> str:
    if plan.empty:
        return _nothing_to_do(plan, place)
    parts = [(len(plan.start), "start"), (len(plan.watch), "wait for"), (len(plan.retire), "retire")]
    what = ", ".join(f"{verb} {number}" for number, verb in parts if number)
    return f"{plan.service} {plan.version}{on(place)}: {what} ({plan.policy.order.value}). Nothing was changed."


def _nothing_to_do(plan: Plan, place: str = "") -> str:
    state = "has run" if plan.oneshot else "is already running"
    up = count(len(plan.keep), "instance")
    return f"Nothing to do: {plan.service} {plan.version} {state}{on(place)} ({up})."


def _resized(plan: Plan) -> str:
    """Return the line that says that the number of instances changes, and why; empty where it doesn't."""
    size = plan.instances
    return f"{resized(size.number, size.before or 0, size.reason)}\n" if size and size.changed else ""


def show_deployed(output: Output, result: Result) -> None:
    """Show that a deploy is done, and what it did."""
    plan = result.plan
    shape = {
        **plan_shape(plan),
        "result": "unchanged" if plan.empty else "done",
        "seconds": round(result.seconds, 3),
    }
    up = len(plan.start) + len(plan.watch) + len(plan.keep)
    output.show(
        json=lambda: {"deploy": shape},
        table=lambda: output.say(_deployed(plan, up, result.seconds)),
        plain=lambda: [(plan.service, plan.version, str(shape["result"]), str(up), f"{result.seconds:.1f}")],
    )


def _deployed(plan: Plan, up: int, seconds: float) -> str:
    if plan.empty:
        return f"{_nothing_to_do(plan)}\n"
    gone = f", {some_names(plan.retire)} retired" if plan.retire else ""
    stays = f" beside {some_names(plan.stays)}" if plan.stays else ""
    state = "has run" if plan.oneshot else "runs"
    runs = f"{plan.service} {plan.version} {state} ({count(up, 'instance')}){stays}{gone}"
    return f"Done: {runs}. {format_duration(seconds)}\n"


def show_destroyed(output: Output, result: Result) -> None:
    """Show that a destroy is done."""
    plan = result.plan
    output.show(
        json=lambda: {"destroy": {**plan_shape(plan), "result": "done", "seconds": round(result.seconds, 3)}},
        table=lambda: output.say(f"Done: {some_names(plan.retire)} destroyed. {format_duration(result.seconds)}\n"),
        plain=lambda: [(plan.service, plan.version, "gone", str(len(plan.retire)), f"{result.seconds:.1f}")],
    )


PLAN_COLUMNS = ("BATCH", "DOES", "UNIT", "NOW", "MACHINE")
ADOPTED_COLUMNS = ("UNIT", "MACHINE", "NOW")


def plan_rows(plan: Plan, units: Sequence[Unit]) -> list[Row]:
    """Return a plan as lines a person can check: batch, what happens, to which unit, what it does now and where."""
    now = {unit.name: unit for unit in units}
    seats = {seat.name: " ".join(seat.machines) for seat in plan.seats}
    rows: list[Row] = []
    for number, step in enumerate(plan.steps, 1):
        rows += [(str(number), "start", name.text, "-", seats.get(name, "-")) for name in step.start]
        for verb, names in (("wait for", step.watch), ("retire", step.retire)):
            rows += [(str(number), verb, name.text, *_now(now.get(name))) for name in names]
    rows += [("-", "keep", name.text, *_now(now.get(name))) for name in plan.keep]
    return rows


def adopted_rows(plan: Plan, units: Sequence[Unit]) -> list[Row]:
    """Return the units that would be taken over, one a line: ADOPTED_COLUMNS."""
    now = {unit.name: unit for unit in units}
    return [(name.text, *reversed(_now(now.get(name)))) for name in plan.adopted]


def _now(unit: Unit | None) -> tuple[str, str]:
    return (unit.condition.value, where(unit)) if unit else ("-", "-")
