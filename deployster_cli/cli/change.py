"""What deploy, rollback, scale, restart and destroy share: options made an intent, and that carried out and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from deployster_cli.cli.context import Run
from deployster_cli.cli.options import policy_of
from deployster_cli.cli.prompts import confirm_protected, confirmed
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.wording import on, some_names
from deployster_cli.errors import DeploysterError, InvalidInput

if TYPE_CHECKING:
    from deployster_cli.backends.base import Checked
    from deployster_cli.domain.units.names import UnitName

ACCEPT_CHANGES = click.option(
    "--accept-changes",
    "as_now",
    is_flag=True,
    help="Use the current settings, even if the running release has others.",
)


def intent_of(verb: Verb, service: str, version: str | None, given: Mapping[str, Any]) -> Change:
    """Return the intent of a command line; InvalidInput where its options contradict one another."""
    return Change(
        verb=verb,
        service=service,
        version=version,
        instances=given.get("instances"),
        destroy_previous=given.get("destroy_previous", False),
        adopt=given.get("adopt", False),
        batch=given["batch_size"],
        recreate=given.get("recreate", False),
        as_now=given.get("as_now", False),
        before=tuple(given.get("before", ())),
        template=given["template"] or "",
        sets=given["sets"],
        envs=given["envs"],
        policy=policy_of(given),
        lock_wait=given["lock_wait"],
    )


def roll_out(run: Run, intent: Change, *, dry_run: bool, yes: bool = False) -> None:
    """Plan the intent and carry it out, or with --dry-run just show the plan. ``yes``: a protected cluster too."""
    from deployster_cli.views.rollouts import show_deployed, show_plan, with_progress

    _remark_on_name(run, intent)
    asked = run.backend().checked(intent)
    if dry_run:
        prepared = asked.prepare()
        show_plan(run.output, prepared.plan, prepared.units, run.settings.place)
        for lack in prepared.lacks[:1]:  # a hook may yet bring it
            run.output.note(f"{lack.text} {lack.cure}")
        return
    if intent.adopt:
        adopted = _confirm_adoption(run, asked, yes=yes)
        asked = run.backend().checked(replace(intent, adopt_only=adopted))
    confirm_protected(run.settings, f"{intent.service}: {intent.doing}", yes=yes)
    show_deployed(run.output, with_progress(run.output, asked.run))


def _confirm_adoption(run: Run, asked: Checked, *, yes: bool) -> tuple[UnitName, ...]:
    """Show what is to be taken over and have it confirmed, off a terminal by --yes; DeploysterError where it isn't.

    What comes while the question stands was not asked about: these alone are to be taken over.
    """
    from deployster_cli.views.rollouts import announce_adoption

    prepared = asked.prepare()
    adopted = prepared.plan.adopted
    if not adopted:
        return ()
    announce_adoption(run.output, prepared.plan, prepared.units)
    if not confirmed(f"Take over and retire {some_names(adopted)}{on(run.settings.place)}?", yes=yes):
        raise DeploysterError("Not taken over. Nothing was changed.")
    return adopted


def _remark_on_name(run: Run, intent: Change) -> None:
    """InvalidInput where a service that the file doesn't name is nearly one that it does, or the version is one's name:
    that is a slip, and the defaults would deploy something else.

    ``carousel.beta`` is none: who writes that means another service than ``carousel``.
    """
    known = run.settings.services
    if intent.verb is not Verb.DEPLOY or intent.service.partition(".")[0] in known:
        return
    file = run.settings.file.name if run.settings.file else "deployster.toml"
    if intent.version in known:
        raise InvalidInput(
            f"{intent.version} is a service of {file}, and {intent.service} is not.",
            f"The service comes first: {intent.version} {intent.service}.",
        )
    from deployster_cli.domain.wording import did_you_mean  # only for a name that is in no file

    if near := did_you_mean(intent.service, known):
        raise InvalidInput(
            f"{file} has no section for {intent.service}.{near}",
            f"If that is another service, an empty [services.{intent.service}] in {file} says so.",
        )
