"""deployster ssh."""

from __future__ import annotations

import click

from deployster_cli.cli.context import this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.cli.prompts import ask_here


@click.command("ssh")
@click.argument("target", metavar="SERVICE[@N]")
@click.argument("words", nargs=-1, metavar="[-- CMD...]")
@shared_options
def cli(target: str, words: tuple[str, ...]) -> int:
    """Open a shell, or run CMD, on the machine of a running instance of SERVICE's newest release.

    On the local engine that is this machine, in the instance's working directory. A CMD of one word is a shell line.

    \b
    deployster ssh carousel
    deployster ssh carousel@2 -- docker ps
    deployster ssh carousel -- 'df -h | tail -1'
    """
    from deployster_cli.domain.wording import where
    from deployster_cli.operations.ssh import choose, parse_target

    run = this_run()
    ask_here(machines=True)
    service, instance = parse_target(target)
    engine = run.engine()
    unit = choose(engine, service, instance)
    run.output.note(f"On {where(unit)}, where {unit.name.short} is.")
    at = unit.machine if unit.everywhere else None
    return engine.exec(unit.name, ("/bin/sh", "-c", *words) if len(words) == 1 else words, at)
