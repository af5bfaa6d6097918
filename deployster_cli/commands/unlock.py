"""deployster unlock."""

from __future__ import annotations

import click

from deployster_cli.commands.shared import confirmed, on_terminal, shared_options, this_run
from deployster_cli.domain.lock import Note
from deployster_cli.domain.names import check_service
from deployster_cli.domain.wording import on
from deployster_cli.errors import DeploysterError, Locked


@click.command("unlock")
@click.argument("service")
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, yes: bool) -> None:
    """Take away the lock that another run holds on SERVICE. A run that is alive takes it right back: then this ends
    with exit code 5.

    \b
    deployster unlock carousel
    """
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.operations.unlock import WATCHED_FOR, life, take_away  # noqa: PLC0415

    run, clock = this_run(), SystemClock()
    engine = run.engine()
    note = engine.locks.read(check_service(service))
    if note is None:
        run.output.note(f"{service} is not locked.")
        return
    by, seen = note.told(clock.epoch()), None
    if not yes and on_terminal():
        run.output.note(f"{service} is locked by {by}. Looking for {WATCHED_FOR:g} s whether that run is alive.")
        seen = life(engine, note, clock)
    known = f", {seen.value}" if seen else ""
    if not confirmed(f"{service}{on(run.settings.place)} is locked by {by}{known}. Unlock it?", yes=yes):
        raise DeploysterError("Not unlocked. Nothing was changed.")
    _refuse_another(engine.locks.read(service), note)
    if seen is None:
        run.output.note(f"Unlocking {service}, and looking for {WATCHED_FOR:g} s at most whether it stays so.")
    there = take_away(engine, note, clock, seen)
    if there and there.token == note.token:
        raise Locked(
            f"{service} is locked again: {by} is alive, and has taken its lock back.",
            f"End that run, and its lock goes with it: Ctrl-C there, or kill {note.pid} on {note.host}.",
        )
    again = f" Another run has it by now: {there.told(clock.epoch())}." if there else ""
    run.output.say(f"Unlocked {service}; it was locked by {by}.{again}\n")


def _refuse_another(there: Note | None, note: Note) -> None:
    """DeploysterError where the lock that was asked about is gone, or another's, by now."""
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415

    if there is None:
        raise DeploysterError(f"{note.service} is not locked any more. Nothing was changed.")
    if there.token != note.token:
        by = there.told(SystemClock().epoch())
        raise DeploysterError(
            f"{note.service} is locked by another run by now: {by}. Nothing was changed.",
            "Ask again if that one is to be unlocked.",
        )
