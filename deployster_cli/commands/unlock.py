"""deployster unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deployster_cli.cli.context import Run, this_run
from deployster_cli.cli.options import shared_options
from deployster_cli.cli.prompts import confirmed, on_terminal
from deployster_cli.domain.units.names import check_service
from deployster_cli.domain.wording import on
from deployster_cli.errors import DeploysterError

if TYPE_CHECKING:
    from deployster_cli.domain.lock import Note
    from deployster_cli.engines.base import Engine


@click.command("unlock")
@click.argument("service")
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, yes: bool) -> None:
    """Remove another run's lock on SERVICE. A run that is alive takes it right back: exit code 5.

    \b
    deployster unlock carousel
    """
    run = this_run()
    engine = run.engine()
    note = engine.locks.read(check_service(service))
    if note is None:
        run.output.note(f"{service} is not locked.")
    else:
        _unlock(run, engine, note, yes=yes)


def _unlock(run: Run, engine: Engine, note: Note, *, yes: bool) -> None:
    from deployster_cli.operations.clock import SystemClock
    from deployster_cli.operations.unlock import WATCHED_FOR, life, take_away

    clock, service, seen = SystemClock(), note.service, None
    by = note.told(clock.epoch())
    if not yes and on_terminal():
        run.output.note(f"{service} is locked by {by}. Checking for {WATCHED_FOR:g} s whether that run is alive.")
        seen = life(engine, note, clock)
    known = f", {seen.value}" if seen else ""
    if not confirmed(f"{service}{on(run.settings.place)} is locked by {by}{known}. Unlock it?", yes=yes):
        raise DeploysterError("Not unlocked. Nothing was changed.")
    run.output.note(f"Unlocking {service}, then checking for up to {WATCHED_FOR:g} s that it stays unlocked.")
    there = take_away(engine, note, clock, seen)
    again = f" Another run holds it now: {there.told(clock.epoch())}." if there else ""
    run.output.say(f"Unlocked {service}; it was locked by {by}.{again}\n")
