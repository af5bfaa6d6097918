"""deployster destroy."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.options import WAITING, with_options
from deployster_cli.commands.parameters import number
from deployster_cli.commands.shared import confirmed, person, shared_options, this_run
from deployster_cli.domain.names import MOST_INSTANCES
from deployster_cli.domain.plan import Policy
from deployster_cli.domain.wording import some_names
from deployster_cli.errors import DeploysterError


@click.command("destroy")
@click.argument("service")
@click.argument("version")
@click.option(
    "--instance", "instances", type=number(1, MOST_INSTANCES), multiple=True, metavar="N", help="Only this one."
)
@with_options(*WAITING)
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, version: str, instances: tuple[int, ...], yes: bool, **given: Any) -> None:
    """Stop and destroy VERSION of SERVICE, and wait until it is gone.

    \b
    deployster destroy carousel 9f88701
    deployster destroy carousel 9f88701 --instance 2 --yes
    """
    from deployster_cli.operations import destroy, lock  # noqa: PLC0415
    from deployster_cli.operations.carry_out import Locking, under_lock  # noqa: PLC0415
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.views.rollouts import show_destroyed, telling  # noqa: PLC0415

    run, clock = this_run(), SystemClock()
    engine, policy = run.engine(), Policy(timeout=given["timeout"])
    shown = destroy.prepare(engine, service, version, instances, policy)
    if not confirmed(f"Destroy {some_names(shown.plan.retire)}?", yes=yes):
        raise DeploysterError("Not destroyed.")
    note = lock.new_note(service, person(), f"destroying {version}", clock)
    carrying = under_lock(
        engine,
        Locking(note, given["lock_wait"]),
        lambda: destroy.prepare(engine, service, version, instances, policy).work,
        clock,
    )
    show_destroyed(run.output, telling(run.output, carrying))
