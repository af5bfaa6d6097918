"""The shapes of plans: dicts for JSON, rows for tables."""

from __future__ import annotations

from collections.abc import Sequence

from deployster_cli.domain.model import Unit
from deployster_cli.domain.plan import Plan
from deployster_cli.domain.wire import encode
from deployster_cli.domain.wording import where
from deployster_cli.views.shapes import Row

PLAN_COLUMNS = ("BATCH", "DOES", "UNIT", "NOW", "MACHINE")
ADOPTED_COLUMNS = ("UNIT", "MACHINE", "NOW")


def plan_shape(plan: Plan) -> dict[str, object]:
    """A plan for JSON: the unit names batch by batch."""
    policy = plan.policy
    return {
        "service": plan.service,
        "version": plan.version,
        "keep": [name.text for name in plan.keep],
        "steps": [
            {
                "start": [name.text for name in step.start],
                "watch": [name.text for name in step.watch],
                "retire": [name.text for name in step.retire],
            }
            for step in plan.steps
        ],
        "instances": encode(plan.instances),
        "oneshot": plan.oneshot,
        "adopted": [name.text for name in plan.adopted],
        "beside": [name.text for name in plan.beside],
        "halted": [name.text for name in plan.halted],
        "order": policy.order.value,
        "on_failure": policy.on_failure.value,
        "timeout": policy.timeout,
        "settle": policy.settle,
    }


def plan_rows(plan: Plan, units: Sequence[Unit]) -> list[Row]:
    """A plan as lines a person can check: batch, what happens, to which unit, what it does now and where."""
    now = {unit.name: unit for unit in units}
    rows: list[Row] = []
    for number, step in enumerate(plan.steps, 1):
        for verb, names in (("start", step.start), ("wait for", step.watch), ("retire", step.retire)):
            rows += [(str(number), verb, name.text, *_now(now.get(name))) for name in names]
    rows += [("-", "keep", name.text, *_now(now.get(name))) for name in plan.keep]
    return rows


def adopted_rows(plan: Plan, units: Sequence[Unit]) -> list[Row]:
    """The units that would be taken over, one a line: ADOPTED_COLUMNS."""
    now = {unit.name: unit for unit in units}
    return [(name.text, *reversed(_now(now.get(name)))) for name in plan.adopted]


def _now(unit: Unit | None) -> tuple[str, str]:
    return (unit.condition.value, where(unit)) if unit else ("-", "-")
