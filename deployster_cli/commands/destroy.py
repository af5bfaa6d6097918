"""deployster destroy."""

from __future__ import annotations

import click

from deployster_cli.commands.parameters import duration, number
from deployster_cli.commands.shared import confirmed, shared_options, this_run
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
@click.option("--timeout", type=duration, default="5m", show_default=True, metavar="TIME", help="How long to wait.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, version: str, instances: tuple[int, ...], timeout: float, yes: bool) -> None:
    """Stop and destroy VERSION of SERVICE, and wait until it is gone.

    \b
    deployster destroy carousel 9f88701
    deployster destroy carousel 9f88701 --instance 2 --yes
    """
    from deployster_cli.operations import destroy  # noqa: PLC0415
    from deployster_cli.operations.carry_out import carry_out  # noqa: PLC0415
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.views.results import show_destroyed, telling  # noqa: PLC0415

    run = this_run()
    engine = run.engine()
    prepared = destroy.prepare(engine, service, version, instances, Policy(timeout=timeout))
    if not confirmed(f"Destroy {some_names(prepared.plan.retire)}?", yes=yes):
        raise DeploysterError("Not destroyed.")
    result = telling(run.output, carry_out(engine, prepared.work, SystemClock()))
    show_destroyed(run.output, result)
