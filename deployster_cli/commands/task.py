"""deployster task."""

from __future__ import annotations

import shlex

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import duration, shared_options


@click.command("task")
@click.argument("service")
@click.argument("version")
@click.argument("words", nargs=-1, required=True, metavar="-- CMD...")
@click.option("--env", "envs", multiple=True, metavar="K=V", help="A variable of the service's environment.")
@click.option(
    "--timeout",
    type=duration,
    default="10m",
    show_default=True,
    metavar="TIME",
    help="Stop it after this time, with exit code 124.",
)
@shared_options
def cli(service: str, version: str, words: tuple[str, ...], envs: tuple[str, ...], timeout: float) -> int:
    """Run CMD once with VERSION of SERVICE, on any machine that fits, and exit with its exit code.

    CMD runs by /bin/sh in the release's image, or its folder. A single word is a shell line, several are one command.

    \b
    deployster task carousel 9f88701 -- rake db:migrate
    deployster task carousel 9f88701 --timeout 1h -- 'rake db:seed && rake stats'
    """
    from deployster_cli.domain.change import TaskRequest
    from deployster_cli.views.tasks import show_task

    run = this_run()
    command = words[0] if len(words) == 1 else shlex.join(words)
    request = TaskRequest(service, version, command, envs, timeout)
    return show_task(run.output, request, lambda tell: run.backend().task(request, tell))
