"""Values of the domain as JSON and back: events, intents and results, for -o json, HTTP and a server's own records.

Fields go by their names, enums by their values, a unit's name by its text, an event by its kind beside its fields.
What comes back from outside is checked against the types that the dataclasses declare.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from deployster_cli.domain.units.names import UnitName, quoted
from deployster_cli.domain.wording import release_state
from deployster_cli.errors import InvalidInput

if typing.TYPE_CHECKING:
    from deployster_cli.domain.events import Event
    from deployster_cli.domain.rollout.plan import Plan
    from deployster_cli.domain.units.model import Release, Unit

T = TypeVar("T")

_SCALARS = (str, int, float, bool)

# The whole numbers that are the same as floats.
_MOST_EXACT = 1 << 53


def encode(value: object) -> Any:
    """``value`` in JSON's types: dict, list, str, int, float, bool and None."""
    if isinstance(value, UnitName):
        return value.text
    if isinstance(value, Enum):
        return value.value
    if members := _members(type(value)):
        return {name: encode(getattr(value, name)) for name in members}
    if isinstance(value, Mapping):
        return {str(key): encode(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [encode(entry) for entry in value]
    return value


def encode_event(event: Event) -> dict[str, Any]:
    """Return an event with its kind: ``{"kind": "Gone", "name": "carousel-9f88701@1.service", …}``."""
    return {"kind": type(event).__name__, **encode(event)}


def decode_event(json: object) -> Event:
    """Return the event that ``encode_event`` made this of; InvalidInput for anything else."""
    fields = dict(json) if isinstance(json, Mapping) else {}
    kind = _events().get(str(fields.pop("kind", "")))
    if kind is None:
        raise InvalidInput(f"{_shown(json)} is not an event.")
    event: Event = decode(kind, fields)
    return event


def decode(kind: type[T], json: object) -> T:
    """Return the value of type ``kind`` that ``encode`` made this of; InvalidInput where it can't be one.

    A field that is missing takes its default, so that an older peer's values still read; unknown ones are refused.
    """
    try:
        value: T = _decoded(kind, json)
    except RecursionError:
        raise InvalidInput("That is nested too deeply.") from None
    return value


def _decoded(kind: Any, json: object) -> Any:
    origin = typing.get_origin(kind)
    if origin in {types.UnionType, typing.Union}:
        return _any_of(typing.get_args(kind), json)
    if origin is tuple:
        return tuple(_decoded(typing.get_args(kind)[0], entry) for entry in _as(list, json))
    if origin is not None:
        inner = typing.get_args(kind)[1]
        return {str(key): _decoded(inner, entry) for key, entry in _as(dict, json).items()}
    return _plain(kind, json)


def _plain(kind: Any, json: object) -> Any:
    if kind is UnitName:
        return _name(json)
    if kind in _SCALARS:
        return _scalar(kind, json)
    if issubclass(kind, Enum):
        return _enum(kind, json)
    return _record(kind, _as(dict, json))


def _any_of(kinds: tuple[Any, ...], json: object) -> Any:
    """One of several types: all that we have are "this, or None"."""
    if json is None and types.NoneType in kinds:
        return None
    return _decoded(next(kind for kind in kinds if kind is not types.NoneType), json)


def _as(kind: type[T], json: object) -> T:
    if not isinstance(json, kind):
        raise InvalidInput(f"{_shown(json)} is not what was expected there.")
    return json


def _scalar(kind: type, json: object) -> object:
    """Return a number may be written without a point; nothing else stands in for anything else, and True is not 1.

    Python reads NaN, Infinity and 1e999 in JSON too: they are refused.
    """
    if kind is float and type(json) is int and abs(json) <= _MOST_EXACT:
        return float(json)
    if type(json) is not kind or (isinstance(json, float) and not math.isfinite(json)):
        raise InvalidInput(f"{_shown(json)} is not what was expected there.")
    return json


def _name(json: object) -> UnitName:
    name = UnitName.parse(_as(str, json))
    if name is None:
        raise InvalidInput(f"{_shown(json)} is not a unit's name.")
    return name


def _enum(kind: type[Enum], json: object) -> Enum:
    try:
        return kind(json)
    except ValueError:
        raise InvalidInput(f"{_shown(json)} is not one of {', '.join(str(e.value) for e in kind)}.") from None


def _shown(json: object) -> str:
    """Return a refused value, as it may be repeated in a sentence. One that holds others may be too deep to
    be written.
    """
    return quoted(str(json)) if isinstance(json, str | int | float | None) else f"A {type(json).__name__}"


def _record(kind: type, json: Mapping[str, object]) -> object:
    known = _fields(kind)
    for name in json:
        if name not in known:
            raise InvalidInput(f"{quoted(str(name))} is not a field of {kind.__name__}.")
    try:
        return kind(**{name: _decoded(known[name], value) for name, value in json.items()})
    except TypeError:
        raise InvalidInput(f"A field of {kind.__name__} is missing.") from None


@cache
def _events() -> Mapping[str, type]:
    """Kind → event."""
    from deployster_cli.domain.events import Event  # a listing as JSON has no use for it

    return {kind.__name__: kind for kind in typing.get_args(Event)}


@cache
def _fields(kind: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {name: hints[name] for name in _members(kind)}


def _members(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass or a named tuple; none of anything else."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return getattr(kind, "_fields", ())


# --- what is shown, as the commands and the server both write it


def unit_shape(unit: Unit) -> dict[str, object]:
    """One unit for JSON: the Go service's six fields first, under its names, then ours. Unknown is null."""
    machine = unit.machine
    return {
        "service": unit.name.service,
        "instance": str(unit.name.instance),
        "version": unit.name.version,
        "current_state": unit.current,
        "desired_state": unit.desired,
        "machine_id": machine.id if machine else None,
        "state": unit.condition,
        "machine_ip": (machine.ip or None) if machine else None,
        "port": unit.port,
        "load": unit.load or None,
        "active": unit.active or None,
        "sub": unit.sub or None,
        "unit": unit.name.text,
        "foreign": unit.foreign,
    }


def with_silent(shape: dict[str, object], silent: Mapping[str, str]) -> dict[str, object]:
    """Return a listing for JSON with the machines that do not answer (name → why), where there are any."""
    found = [{"machine": name, "why": why} for name, why in sorted(silent.items())]
    return {**shape, "silent": found} if found else shape


def service_shape(release: Release) -> dict[str, object]:
    """One release of a service for JSON."""
    return {
        "service": release.service,
        "version": release.version,
        "running": len(release.running),
        "instances": len(release.units),
        "state": release_state(release),
        "machines": sorted({unit.machine.id for unit in release.units if unit.machine}),
        "foreign": release.foreign,
    }


def plan_shape(plan: Plan) -> dict[str, object]:
    """Return a plan for JSON: the unit names batch by batch."""
    policy = plan.policy
    return {
        "service": plan.service,
        "version": plan.version,
        "keep": [name.text for name in plan.keep],
        "steps": [
            {
                "start": [name.text for name in step.start],
                "watch": [name.text for name in step.watch],
                "retire": [name.text for name in step.retire],
            }
            for step in plan.steps
        ],
        "instances": encode(plan.instances),
        "oneshot": plan.oneshot,
        "adopted": [name.text for name in plan.adopted],
        "beside": [name.text for name in plan.beside],
        "halted": [name.text for name in plan.halted],
        "before": plan.before,
        "seats": encode(plan.seats),
        "aside": [name.text for name in plan.aside],
        "stays": [name.text for name in plan.stays],
        "order": policy.order.value,
        "on_failure": policy.on_failure.value,
        "timeout": policy.timeout,
        "settle": policy.settle,
    }


def log_line_shape(name: UnitName, at: str | None, machine: str, line: str) -> dict[str, object]:
    """One line of a journal. ``at`` is an RFC 3339 stamp; ``machine`` is empty but for a copy of a global unit."""
    about = {"service": name.service, "version": name.version, "instance": str(name.instance), "unit": name.text}
    return {**about, **({"machine": machine} if machine else {}), "at": at, "line": line}
