"""What becomes of a job that was cut off: how it goes on after the server's restart, or why it can't. Pure.

A plan is made from the cluster alone, so a deploy, a rollback, a scale and a destroy go on by being done again: what is
done already is found done. What must not happen twice is known by what the job had told: a task or a hook that
was through is left out, and one that was cut in the middle ends the job, as nobody knows how far it came. Fresh
instances for all (restart, recreate) can't be told from those made already, so once begun they end the job too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from deployster_cli.config.load import Settings
from deployster_cli.domain.change import Change, Verb
from deployster_cli.domain.events import (
    Event,
    HookDone,
    HookStarted,
    Parking,
    Retiring,
    Starting,
    TaskDone,
    TaskStarted,
)
from deployster_cli.domain.hooks import HOOK_NAMES, Hooks
from deployster_cli.domain.rollout.plan import Plan

BEGUN = (TaskStarted, HookStarted, Starting, Parking, Retiring)
"""From one of these on a job has done something."""

MOST_STARTS = 5
"""Times that a job is begun. One that is under way whenever the server dies may be what kills it."""

Told = Sequence[Event]


def obstacle(intent: Change | None, starts: int, told: Told) -> str:
    """Why a job that was cut off can't go on, in one sentence; empty where it can."""
    if intent is None:
        return "The server was stopped, and the one that runs now can't read what was asked for."
    if starts >= MOST_STARTS:
        return f"The server was cut off {starts} times while this ran, so it is left alone."
    beside = _in_task_or_hook(told)
    if beside:
        return beside
    afresh = intent.recreate or intent.verb is Verb.RESTART
    if afresh and any(isinstance(event, Starting | Parking | Retiring) for event in _beside_tasks(told)):
        return "The server was cut off when some instances were replaced and others were not."
    return ""


def rest(intent: Change, plan: Plan | None, told: Told) -> Change:
    """What is left to ask for: as many instances of that version as were planned, the units to take over that the plan
    named, and the tasks that did not run.
    """
    adopt_only = plan.adopted if plan and intent.adopt else intent.adopt_only
    left = replace(intent, before=_without(intent.before, _done(told)), adopt_only=adopt_only)
    if plan and intent.verb in {Verb.DEPLOY, Verb.ROLLBACK}:
        return replace(left, version=plan.version, instances=len(plan.keep + plan.watch + plan.start))
    return left


def rest_of_settings(settings: Settings, intent: Change, told: Told) -> Settings:
    """The settings without the tasks and hooks of theirs that were run."""
    own = Counter(_done(told)) - Counter(intent.before)
    before = _without(settings.before_deploy(intent.service), list(own.elements()))
    hooks = Counter(event.hook for event in told if isinstance(event, HookStarted))
    return settings._replace(
        before={**settings.before, intent.service: before},
        hooks=_without_first(settings.hooks, hooks),
    )


def _without_first(hooks: Hooks, run: Counter[str]) -> Hooks:
    """The hooks without the first so many lines of each."""
    later: dict[str, Any] = {name: getattr(hooks, name)[run[name] :] for name in HOOK_NAMES}
    return hooks._replace(**later)


def _in_task_or_hook(told: Told) -> str:
    """The same for what tasks and hooks say: one failed, or one began (and not behind the deed) and did not end."""
    cut = ""
    for event in told:
        match event:
            case TaskDone(command, code=code) if code:
                return f"{command} failed, so nothing was started."
            case HookStarted("on_failure"):
                return "It failed, and the server was cut off while its hook on_failure ran."
            case TaskStarted(line) | HookStarted(line=line) if not _behind(event):
                cut = line
            case TaskDone() | HookDone():
                cut = ""
    if not cut:
        return ""
    return f"The server was cut off while {cut} ran. Whether that is through is not known; nothing else was done."


def _behind(event: Event) -> bool:
    """Whether it is a hook behind the deed: what it is about is done."""
    return isinstance(event, HookStarted) and not event.hook.startswith("pre_")


def _beside_tasks(told: Told) -> Iterator[Event]:
    """What was told of the service itself: a task's own unit starts and goes too."""
    in_task = False
    for event in told:
        in_task = isinstance(event, TaskStarted) or (in_task and not isinstance(event, TaskDone))
        if not in_task:
            yield event


def _done(told: Told) -> list[str]:
    return [event.command for event in told if isinstance(event, TaskDone)]


def _without(commands: Collection[str], done: Collection[str]) -> tuple[str, ...]:
    """The commands, in order, each that was done left out as often as it was done."""
    left = Counter(done)
    kept = []
    for command in commands:
        if left[command]:
            left[command] -= 1
        else:
            kept.append(command)
    return tuple(kept)
