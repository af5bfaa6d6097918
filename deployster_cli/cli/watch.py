"""The options of a listing that may be looked at again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from deployster_cli.cli.options import duration
from deployster_cli.errors import InvalidInput

if TYPE_CHECKING:
    from deployster_cli.cli.context import Run
    from deployster_cli.views.output import Listing

T = TypeVar("T")

# Seconds between two looks: fleet's API takes no more than that kindly.
_LEAST = 1.0

WATCHING = (
    click.option("-w", "--watch", "watching", is_flag=True, help="Keep watching until Ctrl-C."),
    click.option(
        "--interval", type=duration, default="2s", show_default=True, metavar="TIME", help="Interval of --watch."
    ),
)


def remark_on_silent(run: Run) -> None:
    """Say which machines did not answer the last look, and why."""
    from deployster_cli.domain.wording import not_known

    for why in run.backend().silent.values():
        run.output.note(not_known(why))


def show_or_watch(
    run: Run, look: Callable[[], T], listing: Callable[[T], Listing], interval: float | None, title: str
) -> None:
    """Show what one look gives; with an interval, every look until it is interrupted."""
    if interval is None:
        run.output.listing(listing(look()))
        remark_on_silent(run)
        return
    if interval < _LEAST:
        raise InvalidInput(f"--interval {interval:g}s is too short: fleet can't be asked more than once a second.")
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.watch import looks
    from deployster_cli.views.results import watch

    seen = looks(look, SystemClock(), interval, lambda: run.backend().silent)
    watch(run.output, seen, listing, f"{title}, every {interval:g}s")
