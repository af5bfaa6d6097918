"""deployster unlock."""

from __future__ import annotations

import click

from deployster_cli.commands.shared import confirmed, shared_options, this_run
from deployster_cli.domain.lock import Note
from deployster_cli.domain.names import check_service
from deployster_cli.domain.wording import on
from deployster_cli.errors import DeploysterError


@click.command("unlock")
@click.argument("service")
@click.option("--yes", is_flag=True, help="Don't ask.")
@shared_options
def cli(service: str, yes: bool) -> None:
    """Take away the lock that another run holds on SERVICE. A run that is still alive takes it right back.

    \b
    deployster unlock carousel
    """
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415

    run = this_run()
    locks = run.engine().locks
    note = locks.read(check_service(service))
    if note is None:
        run.output.note(f"{service} is not locked.")
        return
    by = note.told(SystemClock().epoch())
    if not confirmed(f"{service}{on(run.settings.place)} is locked by {by}. Unlock it?", yes=yes):
        raise DeploysterError("Not unlocked. Nothing was changed.")
    _refuse_another(locks.read(service), note)
    locks.drop(service)
    run.output.say(f"Unlocked {service}; it was locked by {by}.\n")


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
