"""Preflight checks and hooks around a change."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import Noticed, Tell
from deployster_cli.domain.hooks import FAILED, Facts
from deployster_cli.domain.lock import RENEW_AFTER
from deployster_cli.domain.payloads import plan_shape
from deployster_cli.domain.rollout.plan import Plan
from deployster_cli.domain.templates.secrets import notice
from deployster_cli.domain.units.model import Service
from deployster_cli.domain.wording import left_alone, left_out, passed_over, some_names, taken_over
from deployster_cli.engines.base import Engine
from deployster_cli.errors import DeploysterError, EngineUnreachable, Interrupted, NotFound
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.deploy import PlannedChange
from deployster_cli.operations.hooks import STAYS, LocalCommands, run_post, run_pre
from deployster_cli.operations.images import Answer, Fetch, image_problem

# Seconds for one answer of the registry. It is asked as a favour: without an answer the deploy goes on.
REGISTRY_LIMIT = 3.0

# Renews the lock where that is due.
Keep = Callable[[], None]


class Preflight:
    """What is before and after one change. ``tell`` is called with each event as it happens."""

    def __init__(self, settings: Settings, change: Change, clock: Clock, tell: Tell) -> None:
        self.settings, self.change, self.clock, self.tell = settings, change, clock, tell
        self._decided: PlannedChange | None = None
        self._machines: tuple[str, ...] = ()

    def before(self, engine: Engine, service: Service | None, prepared: PlannedChange, keep: Keep) -> bool:
        """See to what has to succeed before anything is done, the lock held; whether a hook ran. ``service`` is None
        where nothing is rendered.

        NotFound where the registry hasn't got the image, HookFailed, Interrupted; no unit was changed then.
        """
        self._decided, plan = prepared, prepared.plan
        self._machines = tuple(engine.ssh_targets)
        notices = (
            taken_over(plan.adopted),
            left_alone(plan.beside),
            left_out(plan.aside),
            passed_over(plan.service, [each.machine.label for each in engine.silent]),
            self._goes_back(plan),
        )
        for remark in filter(None, notices):
            self.tell(Noticed(remark))
        if service and plan.start:
            _check_image(engine, service, prepared)
            if remark := notice(service, self.settings.declared.discloses):
                self.tell(Noticed(remark))
        hooks, facts = self.settings.hooks, self._facts(prepared, "")
        try:
            return run_pre(hooks, self._commands.run, facts, self.tell, self._renewing(keep))
        except KeyboardInterrupt as stopped:
            message = f"Interrupted while a hook ran; it was cut off. {STAYS}"
            raise Interrupted(message, signal=getattr(stopped, "signal", 2)) from None

    def after(self, done: Plan) -> None:
        """Run the hooks after it, which change nothing any more. ``done`` is the plan that was carried out."""
        known = self._decided.plan.beside if self._decided else ()
        if came := left_alone([name for name in done.beside if name not in known]):
            self.tell(Noticed(came))
        try:
            self._post("unchanged" if done.empty else "done")
        except KeyboardInterrupt as stopped:
            cut = self._cut_off("unchanged" if done.empty else "done")
            message = f"{cut} The {self.change.verb.value} itself is done: {_outcome(done)}."
            raise Interrupted(message, signal=getattr(stopped, "signal", 2)) from None

    def after_failure(self, error: DeploysterError) -> None:
        """Run the hook after it where it failed of this, once anything was decided."""
        try:
            self._post(FAILED)
        except KeyboardInterrupt as stopped:
            message = f"{error.message} {self._cut_off(FAILED)}"
            raise Interrupted(message, error.hint, signal=getattr(stopped, "signal", 2)) from None

    def _cut_off(self, result: str) -> str:
        """Return what a signal interrupted: the hook after it, where there is one."""
        _, lines = self.settings.hooks.after(self.change.verb.value, result)
        return "Interrupted while a hook ran after it; it was cut off." if lines else "Interrupted."

    def _post(self, result: str) -> None:
        if self._decided:
            run_post(self.settings.hooks, self._commands.run, self._facts(self._decided, result), self.tell)

    def _goes_back(self, plan: Plan) -> str:
        """Return the sentence that says what becomes of a scale; empty where it stays."""
        setting = self.settings.service(plan.service).instances
        if self.change.verb is not Verb.SCALE or not setting or setting == self.change.instances:
            return ""
        return f"deployster.toml says instances = {setting}: the next deploy or restart goes back to that."

    @property
    def _commands(self) -> LocalCommands:
        return LocalCommands(self.settings.folder, self.settings.hooks.timeout)

    def _facts(self, prepared: PlannedChange, result: str) -> Facts:
        plan = prepared.plan
        return Facts(
            verb=self.change.verb.value,
            service=plan.service,
            version=plan.version,
            by=self.change.by,
            engine=self.settings.engine,
            cluster=self.settings.cluster,
            previous=next(iter(prepared.previous), ""),
            instances=len(plan.keep + plan.watch + plan.start),
            result=result,
            plan=json.dumps({"plan": plan_shape(plan)}),
            machines=self._machines,
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
    """Return what there is now that the plan was carried out."""
    up = (*plan.keep, *plan.watch, *plan.start)
    if up:
        return f"{some_names(up)} run{'s' * (len(up) == 1)}"
    return f"{some_names(plan.retire)} {'is' if len(plan.retire) == 1 else 'are'} gone"


def _check_image(engine: Engine, service: Service, prepared: PlannedChange) -> None:
    """NotFound where the units run an image that its registry says it hasn't got."""
    name = service.image(prepared.plan.version)
    pulled = any(name in value for file in prepared.work.files.values() for _, key, value in file.options if _runs(key))
    problem = image_problem(name, _fetch(), is_local=engine.is_local) if pulled else ""
    if problem:
        raise NotFound(f"{problem} Nothing was changed.", f"deployster check {service.name} {prepared.plan.version}")


def _runs(key: str) -> bool:
    return key.startswith("Exec")


def _fetch() -> Fetch:
    from deployster_cli.operations import registry_client  # urllib is slow to import

    def fetch(method: str, url: str, headers: Mapping[str, str]) -> Answer:
        return registry_client.fetch(method, url, headers, limit=REGISTRY_LIMIT)

    return fetch
