"""``--set K=V`` and ``--env K=V``: a service's settings for one run, checked by the same rows as the file's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deployster_cli.config.file import Base
from deployster_cli.domain.kinds import UNIT_PATH, one_line
from deployster_cli.domain.limits import FIELDS, OWNERS, SERVICE, name_fault
from deployster_cli.domain.units.model import Service
from deployster_cli.errors import InvalidInput

# Settings of a service that ``--set`` is not the way to change.
_ELSEWHERE = {
    "env": "use --env NAME=VALUE",
    "before_deploy": "deploy --before CMD gives one for a run",
    "set": "give each value by a --set of its own",
}

_KINDS = {**SERVICE, **OWNERS}


def with_settings(service: Service, sets: Sequence[str], base: Base | None) -> Service:
    """Return the service with each ``K=V`` of ``--set``; a key that is not a setting of ours goes to ``extra``.

    A list is given by commas or by the option again. Relative paths start at ``base``, where there is one.
    """
    known: dict[str, Any] = {}
    extra = dict(service.extra)
    for key, text in _pairs("--set", sets):
        if key in _KINDS:
            value = _typed(key, text, base)
            field = FIELDS.get(key, key)
            repeated = isinstance(value, tuple) and field in known
            known[field] = known[field] + value if repeated else value
        else:
            extra[_extra_name(key)] = _one_line("--set", key, text)
    return service._replace(**known, extra=extra)


def with_environment(service: Service, envs: Sequence[str]) -> Service:
    """Return the service with each ``K=V`` of ``--env`` over its own; no message repeats a value, it may be a
    secret.
    """
    env = dict(service.env)
    for key, text in _pairs("--env", envs):
        if fault := name_fault(key, "an environment variable"):
            raise InvalidInput(f"--env: {fault}.")
        env[key] = _one_line("--env", key, text)
    return service._replace(env=env)


def _pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for number, text in enumerate(texts, 1):
        key, equals, value = text.partition("=")
        if not (equals and key):
            lacks = "name" if equals else "'='"
            raise InvalidInput(f"{option} takes NAME=VALUE; argument {number} has no {lacks}.")
        pairs.append((key, value))
    return pairs


def _typed(key: str, text: str, base: Base | None) -> object:
    kind = _KINDS[key]
    value = kind.parse(text)
    if fault := kind.fault(value):
        raise InvalidInput(f"--set {key} {fault}.")
    return base.resolved(text) if base and kind is UNIT_PATH else kind.convert(value)


def _extra_name(key: str) -> str:
    if key in _ELSEWHERE:
        raise InvalidInput(f"--set can't give {key}: {_ELSEWHERE[key]}.")
    if fault := name_fault(key, "a setting"):
        raise InvalidInput(f"--set: {fault}.")
    return key


def _one_line(option: str, key: str, text: str) -> str:
    if not one_line(text):
        raise InvalidInput(f"{option} {key} must be text on one line, without control characters.")
    return text
