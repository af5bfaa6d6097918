"""The options of everything that rolls out: what it puts in, and how it waits and fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from deployster_cli.commands.parameters import duration, number
from deployster_cli.commands.shared import F
from deployster_cli.domain.limits import MOST_AT_ONCE
from deployster_cli.domain.model import OnFailure, Order
from deployster_cli.domain.plan import Policy
from deployster_cli.errors import InvalidInput

INSTANCES = click.option(
    "--instances",
    type=number(1, MOST_AT_ONCE),
    metavar="N",
    help="How many (default: as its settings say, else as many as last).",
)

VALUES = (
    click.option("--template", metavar="T", help="Unit template to use (see deployster templates list)."),
    click.option("--set", "sets", multiple=True, metavar="K=V", help="A setting of the service or its template."),
    click.option("--env", "envs", multiple=True, metavar="K=V", help="A variable of the service's environment."),
)

ADOPT = click.option("--adopt", is_flag=True, help="Take over units with such names that Deployster didn't make.")

WAITING = (
    click.option(
        "--timeout", type=duration, default="5m", show_default=True, metavar="TIME", help="Limit without progress."
    ),
    click.option(
        "--lock-wait",
        type=duration,
        default="0s",
        show_default=True,
        metavar="TIME",
        help="How long to wait while another run is changing the service.",
    ),
)

YES = click.option("--yes", is_flag=True, help="Don't ask: change a protected cluster too.")


def _batch_size(default: str) -> Callable[[F], F]:
    return click.option(
        "--batch-size", type=number(1, MOST_AT_ONCE), metavar="B", help=f"Start B at a time (default: {default})."
    )


_HOW = (
    click.option(
        "--settle",
        type=duration,
        default="3s",
        show_default=True,
        metavar="TIME",
        help="How long an instance must have stayed running.",
    ),
    click.option(
        "--order",
        type=click.Choice([order.value for order in Order]),
        default=Order.START_FIRST.value,
        show_default=True,
        help="Start the new before the old stop, or after.",
    ),
    click.option(
        "--on-failure",
        type=click.Choice([kind.value for kind in OnFailure]),
        default=OnFailure.ROLLBACK.value,
        show_default=True,
        help="Remove failed new instances, or keep them for inspection.",
    ),
    *WAITING,
    click.option("--dry-run", is_flag=True, help="Show the plan, change nothing."),
)

ROLLING = (_batch_size("all"), *_HOW)

ROLLING_ONE_BY_ONE = (_batch_size("1"), *_HOW)


def policy_of(given: Mapping[str, Any]) -> Policy:
    """The policy that ROLLING's options describe; InvalidInput where they contradict one another."""
    if given["settle"] >= given["timeout"]:
        raise InvalidInput("--settle must be shorter than --timeout, or no deploy could ever succeed.")
    return Policy(
        settle=given["settle"],
        timeout=given["timeout"],
        order=Order(given["order"]),
        on_failure=OnFailure(given["on_failure"]),
    )
