"""deployster check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployster_cli.cli.context import Run, person, this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.cli.prompts import ask_here
from deployster_cli.domain.units.names import check_service

if TYPE_CHECKING:
    from deployster_cli.operations.check import Case


@click.command("check")
@click.argument("service", required=False)
@click.argument("version", default="")
@shared_options
def cli(service: str | None, version: str) -> None:
    """Check everything that a deploy needs, and name each fault and its fix.

    With SERVICE check only its template, with VERSION also its image in the registry.

    \b
    deployster check
    deployster check carousel 9f88701
    """
    from deployster_cli.operations.check import examine  # pulls in jinja2
    from deployster_cli.views.results import show_findings

    run = this_run()
    ask_here(machines=True)
    findings = examine(_case(run, [service] if service else sorted(run.settings.services), version))
    show_findings(run.output, findings)
    click.get_current_context().exit(max((f.exit_code for f in findings), default=0))


def _case(run: Run, services: list[str], version: str) -> Case:
    from deployster_cli.operations.change import renderers  # pulls in jinja2
    from deployster_cli.operations.check import Case
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.registry_client import fetch

    clock = SystemClock()
    renders, refused = renderers(run.settings, [check_service(name) for name in services])
    return Case(
        engine=run.engine(),
        services=renders,
        refused=refused,
        now=clock.utc(),
        by=person(),
        fetch=fetch,
        ssh_fault=run.settings.declared.ssh_fault,
        epoch=clock.epoch,
        version=version,
    )
