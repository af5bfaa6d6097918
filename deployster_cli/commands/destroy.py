"""deployster destroy."""

from __future__ import annotations

from typing import Any

import click

from deployster_cli.commands.options import ADOPT, WAITING
from deployster_cli.commands.parameters import number
from deployster_cli.commands.shared import confirm_protected, confirmed, shared_options, this_run, with_options
from deployster_cli.domain.intent import Intent, Verb
from deployster_cli.domain.names import MOST_INSTANCES
from deployster_cli.domain.plan import Policy
from deployster_cli.domain.wording import on, some_names
from deployster_cli.errors import DeploysterError


@click.command("destroy")
@click.argument("service")
@click.argument("version")
@click.option(
    "--instance", "instances", type=number(1, MOST_INSTANCES), multiple=True, metavar="N", help="Only this one."
)
@with_options(ADOPT, *WAITING)
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, version: str, instances: tuple[int, ...], yes: bool, **given: Any) -> None:
    """Stop and destroy VERSION of SERVICE, and wait until it is gone.

    \b
    deployster destroy carousel 9f88701
    deployster destroy carousel 9f88701 --instance 2 --yes
    """
    from deployster_cli.views.rollouts import announce_adoption, show_destroyed, telling  # noqa: PLC0415

    run, policy = this_run(), Policy(timeout=given["timeout"])
    adopt, lock_wait = given["adopt"], given["lock_wait"]
    intent = Intent(Verb.DESTROY, service, version, only=instances, adopt=adopt, policy=policy, lock_wait=lock_wait)
    asked = run.backend().undertake(intent)
    if adopt or not yes:
        prepared = asked.prepare()
        if prepared.plan.adopted:
            announce_adoption(run.output, prepared.plan, prepared.units)
        if not confirmed(f"Destroy {some_names(prepared.plan.retire)}{on(run.settings.place)}?", yes=yes):
            raise DeploysterError("Not destroyed. Nothing was changed.")
    confirm_protected(run, f"{service}: {intent.doing}", yes=yes)
    show_destroyed(run.output, telling(run.output, asked.carry()))
