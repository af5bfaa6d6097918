"""deployster setup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployster_cli.cli.context import Run, person, this_run
from deployster_cli.cli.options import duration, shared_options
from deployster_cli.cli.prompts import confirm_protected, confirmed
from deployster_cli.errors import DeploysterError, InvalidInput

if TYPE_CHECKING:
    from deployster_cli.domain.units.needs import Needs
    from deployster_cli.engines.base import Setup


@click.command("setup")
@click.option(
    "--timeout", type=duration, default="15m", show_default=True, metavar="TIME", help="Time limit of one step."
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(timeout: float, yes: bool) -> None:
    """Do on each machine what check would have you type: packages, services, folders. It shows them first, and asks.

    \b
    deployster setup
    deployster setup --yes --timeout 5m
    """
    from deployster_cli.operations.setup import left, take
    from deployster_cli.views.setup import announce_steps, show_setup

    run = this_run()
    setup, needs = _setup(run), _needs(run)
    todo = left(setup, needs)
    announce_steps(run.output, todo)
    _confirm(run, [machine for machine, steps in todo.items() if any(not step.by_hand for step in steps)], yes=yes)
    results = take(setup, todo, needs, timeout, lambda machine, words: run.output.note(f"{machine}: {words}"))
    show_setup(run.output, results)
    click.get_current_context().exit(max((result.exit_code for result in results), default=0))


def _setup(run: Run) -> Setup:
    setup = run.engine().setup
    if setup is None:
        raise InvalidInput(
            f"There is nothing to set up with the engine {run.settings.engine}: it leaves its machines to you.",
            "deployster check says what is missing there.",
        )
    return setup


def _needs(run: Run) -> Needs:
    from deployster_cli.operations.change import renderers  # pulls in jinja2
    from deployster_cli.operations.check import NO_VERSION
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.deploy import sample
    from deployster_cli.operations.setup import needs_of

    now, by = SystemClock().utc(), person()
    renders, refused = renderers(run.settings, sorted(run.settings.services))
    for error in refused.values():
        run.output.note(f"{error.message} Nothing is set up for it.")
    return needs_of([sample(render, NO_VERSION, now=now, by=by) for render in renders])


def _confirm(run: Run, machines: list[str], *, yes: bool) -> None:
    """Have it confirmed, off a terminal by --yes, where something is to be done; DeploysterError where it isn't."""
    if not machines:
        return
    named = ", ".join(machines)
    if not confirmed(f"Do this as root on {named}?", yes=yes):
        raise DeploysterError("Not set up. Nothing was changed.")
    confirm_protected(run.settings, f"Setting up {named}", yes=yes)
