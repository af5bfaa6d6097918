"""A server's JSON as values of the domain again, so that the same views show them. Fields we don't know are let be."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed
from deployster_cli.domain.change import Change, Policy, Verb
from deployster_cli.domain.events import Event
from deployster_cli.domain.payloads import decode, decode_event
from deployster_cli.domain.rollout.plan import Instances, Plan, Seat, Step
from deployster_cli.domain.units.model import Machine, OnFailure, Order, State, Unit
from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.errors import InvalidInput
from deployster_cli.operations.releases import Entry
from deployster_cli.operations.rollout import Result

T = TypeVar("T")

# What can stand in a path.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

# States of a job that has not ended.
ACTIVE = ("queued", "running")


@dataclass(frozen=True, slots=True)
class _SilentShape:
    machine: str
    why: str


@dataclass(frozen=True, slots=True)
class _UnitShape:
    unit: UnitName
    current_state: State | None = None
    desired_state: State | None = None
    machine_id: str | None = None
    machine_ip: str | None = None
    port: int | None = None
    load: str | None = None
    active: str | None = None
    sub: str | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class _EntryShape:
    version: str
    running: int
    deployed_at: str | None = None
    deployed_by: str | None = None


@dataclass(frozen=True, slots=True)
class _PlanShape:
    service: str
    version: str
    steps: tuple[Step, ...]
    keep: tuple[UnitName, ...]
    order: Order
    on_failure: OnFailure
    timeout: float
    settle: float
    instances: Instances | None = None
    oneshot: bool = False
    adopted: tuple[UnitName, ...] = ()
    beside: tuple[UnitName, ...] = ()
    halted: tuple[UnitName, ...] = ()
    before: str = ""
    seats: tuple[Seat, ...] = ()
    aside: tuple[UnitName, ...] = ()
    stays: tuple[UnitName, ...] = ()


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    hint: str = ""
    exit_code: int = 1


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the server's, as far as we ask after it. ``state`` is queued, running, done or failed."""

    id: str
    state: str
    by: str = ""
    verb: str = ""
    version: str | None = None


def read(kind: type[T], json: object) -> T:
    """Return the fields of ``kind`` out of a JSON object; NotAServer where they are not there or not of their types."""
    if not isinstance(json, Mapping):
        raise _unreadable(f"{quoted(str(json))} is not an object")
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    try:
        return decode(kind, {name: value for name, value in json.items() if name in known})
    except InvalidInput as error:
        raise _unreadable(error.message.rstrip(".")) from None


def listed(json: object, name: str) -> list[object]:
    """Return the list under ``name``."""
    found = json.get(name) if isinstance(json, Mapping) else None
    if not isinstance(found, list):
        raise _unreadable(f"it has no list of {name}")
    return found


def member(json: object, name: str) -> object:
    """Return what stands under ``name``; None where nothing does."""
    return json.get(name) if isinstance(json, Mapping) else None


def silent_of(json: object) -> dict[str, str]:
    """Return the machines that do not answer → why; none where the server names none."""
    found = listed(json, "silent") if member(json, "silent") is not None else []
    return {one.machine: one.why for one in (read(_SilentShape, each) for each in found)}


def unit_of(json: object) -> Unit:
    """Return the unit that domain.payloads.unit_shape made this of, without its hash and what an engine counts of
    restarts.
    """
    at = read(_UnitShape, json)
    return Unit(
        name=at.unit,
        desired=at.desired_state,
        current=at.current_state,
        load=at.load or "",
        active=at.active or "",
        sub=at.sub or "",
        machine=Machine(at.machine_id, at.machine_ip or "") if at.machine_id else None,
        port=at.port,
        foreign=at.foreign,
    )


def entry_of(json: object) -> Entry:
    """One release of a service's history."""
    at = read(_EntryShape, json)
    return Entry(at.version, at.running, at.deployed_at, at.deployed_by)


def plan_of(json: object) -> Plan:
    """Return the plan that domain.payloads.plan_shape made this of."""
    at = read(_PlanShape, json)
    policy = Policy(settle=at.settle, timeout=at.timeout, order=at.order, on_failure=at.on_failure)
    others = at.oneshot, at.adopted, at.beside, at.halted, at.before, at.seats, at.aside, at.stays
    return Plan(at.service, at.version, at.steps, at.keep, policy, at.instances, *others)


def job_of(json: object) -> Job:
    """Return a job; NotAServer where its id could not stand in a path."""
    job = read(Job, json)
    if not _JOB_ID.fullmatch(job.id):
        raise _unreadable(f"{quoted(job.id)} is not a job")
    return job


def ended(json: object) -> Result:
    """Return what a job that is done did; RemoteFailed, with the server's words and exit code, for one that failed."""
    failure = member(json, "error")
    if failure is not None:
        at = read(_Failure, failure)
        raise RemoteFailed(at.message, at.hint, exit_code=at.exit_code)
    return read(Result, member(json, "result"))


def event_of(json: object) -> Event | None:
    """Return the event in it; None for one that only another version knows: not a reason to leave a running job."""
    try:
        return decode_event(member(json, "event"))
    except InvalidInput:
        return None


def _unreadable(why: str) -> NotAServer:
    return NotAServer(
        f"The server's answer can't be read: {why}.", "Is it another version of Deployster, or something else?"
    )


# Verb → where it is posted to, below the service.
PATHS = {Verb.DEPLOY: "deploys", Verb.ROLLBACK: "rollback", Verb.SCALE: "scale", Verb.RESTART: "restart"}

# Characters of a name that a server takes.
LONGEST_BY = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """A request: ``path`` begins behind the server's URL."""

    method: str
    path: str
    body: dict[str, Any] | None = None


def wish_of(intent: Change, by: str, *, dry_run: bool = False) -> Wish:
    """Return what is asked of a server for ``intent``; ``by`` is who asks. Names have to be checked before."""
    if intent.verb is Verb.DESTROY:
        return Wish("DELETE", f"/v1/services/{intent.service}/deploys/{intent.version}?{_query(intent, by)}")
    fields = {**_fields(intent), "by": by[:LONGEST_BY], **({"dry_run": True} if dry_run else {})}
    return Wish("POST", f"/v1/services/{intent.service}/{PATHS[intent.verb]}", {intent.verb.value: fields})


def _fields(intent: Change) -> dict[str, Any]:
    """How it is to be done; what was left open is left out, so that the server's own settings fill it."""
    policy = intent.policy
    given = {
        "version": intent.version,
        "instance_count": intent.instances,
        "destroy_previous": intent.destroy_previous,
        "adopt": intent.adopts is True,
        "adopt_only": _adopted(intent),
        "batch_size": intent.batch,
        "recreate": intent.recreate,
        "accept_changes": intent.as_now,
        "before": list(intent.before),
        "template": intent.template,
        "set": _once(intent.sets),
        "env": pairs(intent.envs),
    }
    return {name: value for name, value in given.items() if value} | {
        "timeout": policy.timeout,
        "settle": policy.settle,
        "order": policy.order.value,
        "on_failure": policy.on_failure.value,
        "lock_wait": intent.lock_wait,
    }


def _adopted(intent: Change) -> list[str]:
    return [name.text for name in intent.adopt_only or ()]


def _once(texts: Sequence[str]) -> dict[str, str]:
    """``--set`` as an object; InvalidInput for a key given twice, as only the server knows which settings are lists."""
    found = pairs(texts)
    if len(found) < len(texts):
        raise InvalidInput("--set gives one key twice; with --server write a list once, its items separated by commas.")
    return found


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """``K=V`` as an object, the last of a key counting."""
    for number, text in enumerate(texts, 1):
        if "=" not in text:
            raise InvalidInput(f"--set and --env take NAME=VALUE; argument {number} has no '='.")
    return dict(text.split("=", 1) for text in texts)


def _query(intent: Change, by: str) -> str:
    """How a destroy is to be done: a DELETE has no body."""
    given = {
        "instance": intent.only,
        "timeout": f"{intent.policy.timeout:g}s",
        "lock_wait": f"{intent.lock_wait:g}s",
        "by": by[:LONGEST_BY],
        "adopt": "true" if intent.adopts is True else "",
        "adopt_only": _adopted(intent),
    }
    return urlencode({name: value for name, value in given.items() if value}, doseq=True)
