"""deployster destroy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from deployster_cli.cli.context import Run, this_run
from deployster_cli.cli.options import ADOPT, WAITING, number, shared_options, with_options
from deployster_cli.cli.prompts import confirm_protected, confirmed
from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.units.names import MOST_INSTANCES
from deployster_cli.domain.wording import on, some_names
from deployster_cli.errors import DeploysterError

if TYPE_CHECKING:
    from deployster_cli.backends.base import Checked
    from deployster_cli.domain.units.names import UnitName


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
    from deployster_cli.views.rollouts import show_destroyed, with_progress

    run, policy = this_run(), Policy(timeout=given["timeout"])
    adopt, lock_wait = given["adopt"], given["lock_wait"]
    intent = Change(Verb.DESTROY, service, version, only=instances, adopt=adopt, policy=policy, lock_wait=lock_wait)
    asked = run.backend().checked(intent)
    if adopt or not yes:
        adopted = _confirm(run, asked, yes=yes)
        asked = run.backend().checked(replace(intent, adopt_only=adopted)) if adopt else asked
    confirm_protected(run.settings, f"{service}: {intent.doing}", yes=yes)
    show_destroyed(run.output, with_progress(run.output, asked.run))


def _confirm(run: Run, asked: Checked, *, yes: bool) -> tuple[UnitName, ...]:
    """Have it confirmed, off a terminal by --yes; what is to be taken over with it. DeploysterError where it isn't.

    What comes while the question stands was not asked about: these alone are to be taken over.
    """
    from deployster_cli.views.rollouts import announce_adoption

    prepared = asked.prepare()
    if prepared.plan.adopted:
        announce_adoption(run.output, prepared.plan, prepared.units)
    if not confirmed(f"Destroy {some_names(prepared.plan.retire)}{on(run.settings.place)}?", yes=yes):
        raise DeploysterError("Not destroyed. Nothing was changed.")
    return prepared.plan.adopted
