"""What deploy, rollback, scale, restart and destroy share: options made an intent, and that carried out and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from deployster_cli.commands.options import policy_of
from deployster_cli.commands.shared import Run, person
from deployster_cli.domain.intent import Intent, Verb

if TYPE_CHECKING:
    from deployster_cli.undertaking import Undertaking

FORCE_SETTINGS = click.option(
    "--force",
    "as_now",
    is_flag=True,
    help="Use the settings of now, even if what runs was deployed with others.",
)


def intent_of(verb: Verb, service: str, version: str | None, given: Mapping[str, Any]) -> Intent:
    """The intent of a command line; InvalidInput where its options contradict one another."""
    return Intent(
        verb=verb,
        service=service,
        version=version,
        instances=given.get("instances"),
        destroy_previous=given.get("destroy_previous", False),
        batch=given["batch_size"],
        force=given.get("force", False),
        as_now=given.get("as_now", False),
        before=tuple(given.get("before", ())),
        template=given["template"] or "",
        sets=given["sets"],
        envs=given["envs"],
        policy=policy_of(given),
        lock_wait=given["lock_wait"],
    )


def undertaking(run: Run, intent: Intent) -> Undertaking:
    """The intent with this run's settings, checked."""
    from deployster_cli.operations.clock import SystemClock  # noqa: PLC0415
    from deployster_cli.undertaking import Undertaking  # noqa: PLC0415 - pulls in jinja2

    asked = Undertaking(run.settings, intent, person(), SystemClock())
    asked.check()
    return asked


def roll_out(run: Run, intent: Intent, *, dry_run: bool) -> None:
    """Plan the intent and carry it out, or with --dry-run just show the plan."""
    from deployster_cli.views.rollouts import show_deployed, show_plan, telling  # noqa: PLC0415

    asked = undertaking(run, intent)
    engine = run.engine()
    if dry_run:
        prepared = asked.prepare(engine)
        show_plan(run.output, prepared.plan, prepared.units)
        return
    show_deployed(run.output, telling(run.output, asked.carry(engine)))
