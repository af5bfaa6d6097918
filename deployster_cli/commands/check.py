"""deployster check."""

from __future__ import annotations

import click

from deployster_cli.commands.shared import person, shared_options, this_run


@click.command("check")
@shared_options
def cli() -> None:
    """Look at the configuration, the engine and every service's template; name each fault and its cure."""
    from deployster_cli.operations.check import examine  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.undertaking import renderer  # noqa: PLC0415 - pulls in jinja2
    from deployster_cli.views.results import show_findings  # noqa: PLC0415

    run = this_run()
    renderers = [renderer(run.settings, name) for name in sorted(run.settings.services)]
    findings = examine(run.engine(), renderers, now=SystemClock().utc(), by=person())
    show_findings(run.output, findings)
    click.get_current_context().exit(max((f.exit_code for f in findings if not f.fine), default=0))
