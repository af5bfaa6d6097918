"""What ``setup`` shows: what it is going to do, and what became of each machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployster_cli.domain.wording import count
from deployster_cli.operations.setup import Result, Steps

if TYPE_CHECKING:
    from deployster_cli.views.output import Output


def announce_steps(output: Output, todo: Mapping[str, Steps]) -> None:
    """Show what will be typed on each machine, on stderr; nothing where nothing is left to do."""
    rows = [
        (machine, step.why, f"{step.command}  (by hand: {step.by_hand})" if step.by_hand else step.command)
        for machine, steps in todo.items()
        for step in steps
    ]
    if rows:
        output.table(("MACHINE", "WHY", "AS ROOT THERE"), rows, by=1, announced=True)


def show_setup(output: Output, results: Sequence[Result]) -> None:
    """Show what became of each machine."""
    output.show(
        json=lambda: {"machines": [_shape(result) for result in results]},
        table=lambda: _show(output, results),
        plain=lambda: [(result.machine, _state(result), _text(result)) for result in results],
    )


def _show(output: Output, results: Sequence[Result]) -> None:
    if any(result.done or result.error for result in results):
        rows = [(result.machine, _state(result), _text(result)) for result in results]
        output.table(("MACHINE", "STATE", "FOUND"), rows)
    else:
        output.say(f"Nothing was left to do on {count(len(results), 'machine')}: nothing was changed.\n")


def _state(result: Result) -> str:
    return "FAULT" if result.error else "set up" if result.done else "ok"


def _text(result: Result) -> str:
    if result.error:
        return " ".join(filter(None, (result.error.message, result.error.hint)))
    return "; ".join(step.command for step in result.done) or "nothing was left to do"


def _shape(result: Result) -> dict[str, object]:
    return {
        "machine": result.machine,
        "ok": result.error is None,
        "changed": bool(result.done),
        "done": [step.command for step in result.done],
        "left": [step.command for step in result.left],
        "text": result.error.message if result.error else None,
        "cure": (result.error.hint or None) if result.error else None,
    }
