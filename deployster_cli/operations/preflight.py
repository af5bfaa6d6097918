"""What surrounds a deed: the image is there, whoever deploys knows what to know, and the hooks run before and after."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Intent, Verb
from deployster_cli.domain.events import Event, Noticed
from deployster_cli.domain.hooks import FAILED, Facts
from deployster_cli.domain.lock import RENEW_AFTER
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.templates.secrets import notice
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.wording import left_alone, left_out, some_names, taken_over
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, EngineUnreachable, Interrupted, NotFound
from deployster_cli.operations.carry_out import Keep
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import Prepared
from deployster_cli.operations.hooks import STAYS, LocalCommands, run_post, run_pre
from deployster_cli.operations.images import Answer, Fetch, image_problem
from deployster_cli.views.rollouts import plan_shape

REGISTRY_LIMIT = 3.0
"""Seconds for one answer of the registry. It is asked as a favour: without an answer the deploy goes on."""

_CUT_OFF = "Interrupted while a hook ran after it; it was cut off."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is before and behind one intent. ``by`` is who asks."""

    settings: Settings
    intent: Intent
    by: str
    clock: Clock

    def ahead(
        self, engine: Engine, service: Service | None, prepared: Prepared, keep: Keep
    ) -> Generator[Event, None, bool]:
        """What has to succeed before anything is done, the lock held. ``service`` is None where nothing is rendered.

        Whether a hook ran: who knows what it changed.
        NotFound where the registry hasn't got the image, HookFailed, Interrupted; no unit was changed then.
        """
        plan = prepared.plan
        notices = (taken_over(plan.adopted), left_alone(plan.beside), left_out(plan.aside), self._goes_back(plan))
        for told in filter(None, notices):
            yield Noticed(told)
        if service and plan.start:
            _check_image(engine, service, prepared)
            if told := notice(service, self.settings.declared.discloses):
                yield Noticed(told)
        try:
            return (
                yield from run_pre(self.settings.hooks, self._commands, self._facts(prepared, ""), self._renewing(keep))
            )
        except KeyboardInterrupt as stopped:
            message = f"Interrupted while a hook ran; it was cut off. {STAYS}"
            raise Interrupted(message, signal=getattr(stopped, "signal", 2)) from None

    def behind(self, prepared: Prepared, done: Plan) -> Iterator[Event]:
        """The hooks after it: what they come to changes nothing any more. ``done`` is the plan that was carried out."""
        try:
            yield from self._post(prepared, "unchanged" if done.empty else "done")
        except KeyboardInterrupt as stopped:
            message = f"{_CUT_OFF} The {self.intent.verb.value} itself is done: {_outcome(done)}."
            raise Interrupted(message, signal=getattr(stopped, "signal", 2)) from None

    def behind_failure(self, prepared: Prepared, error: DeploysterError) -> Iterator[Event]:
        """The hook after it where it failed of this."""
        try:
            yield from self._post(prepared, FAILED)
        except KeyboardInterrupt as stopped:
            message = f"{error.message} {_CUT_OFF}"
            raise Interrupted(message, error.hint, signal=getattr(stopped, "signal", 2)) from None

    def _post(self, prepared: Prepared, result: str) -> Iterator[Event]:
        yield from run_post(self.settings.hooks, self._commands, self._facts(prepared, result))

    def _goes_back(self, plan: Plan) -> str:
        """The sentence that says what becomes of a scale; empty where it stays."""
        setting = self.settings.service(plan.service).instances
        if self.intent.verb is not Verb.SCALE or not setting or setting == self.intent.instances:
            return ""
        return f"deployster.toml says instances = {setting}: the next deploy or restart goes back to that."

    @property
    def _commands(self) -> LocalCommands:
        return LocalCommands(self.settings.folder, self.settings.hooks.timeout)

    def _facts(self, prepared: Prepared, result: str) -> Facts:
        plan = prepared.plan
        return Facts(
            verb=self.intent.verb.value,
            service=plan.service,
            version=plan.version,
            by=self.by,
            engine=self.settings.engine,
            cluster=self.settings.cluster,
            previous=next(iter(prepared.previous), ""),
            instances=len(plan.keep + plan.watch + plan.start),
            result=result,
            plan=json.dumps({"plan": plan_shape(plan)}),
        )

    def _renewing(self, keep: Keep) -> Keep:
        """Renews the lock as often as is due, however often it is called. An engine that is silent meanwhile stops no
        hook: whose the lock is gets looked at again before anything is changed.
        """
        kept = self.clock.now()

        def pulse() -> None:
            nonlocal kept
            if self.clock.now() - kept >= RENEW_AFTER:
                kept = self.clock.now()
                with contextlib.suppress(EngineUnreachable):
                    keep()

        return pulse


def _outcome(plan: Plan) -> str:
    """What there is now that the plan was carried out."""
    up = (*plan.keep, *plan.watch, *plan.start)
    if up:
        return f"{some_names(up)} run{'s' * (len(up) == 1)}"
    return f"{some_names(plan.retire)} {'is' if len(plan.retire) == 1 else 'are'} gone"


def _check_image(engine: Engine, service: Service, prepared: Prepared) -> None:
    """NotFound where the units run an image that its registry says it hasn't got."""
    name = service.image(prepared.plan.version)
    pulled = any(name in value for file in prepared.work.files.values() for _, key, value in file.options if _runs(key))
    problem = image_problem(name, _fetch(), is_local=engine.is_local) if pulled else ""
    if problem:
        raise NotFound(f"{problem} Nothing was changed.", f"deployster check {service.name} {prepared.plan.version}")


def _runs(key: str) -> bool:
    return key.startswith("Exec")


def _fetch() -> Fetch:
    from deployster_cli.operations import registry_client  # noqa: PLC0415 - urllib is slow to import

    def fetch(method: str, url: str, headers: Mapping[str, str]) -> Answer:
        return registry_client.fetch(method, url, headers, limit=REGISTRY_LIMIT)

    return fetch
