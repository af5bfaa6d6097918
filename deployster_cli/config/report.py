"""The settings of a run as a list: each key, its value as it may be shown, and who gave it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployster_cli.config.file import Keys
from deployster_cli.config.layers import FILE_SETTINGS
from deployster_cli.config.load import Settings
from deployster_cli.domain.limits import FIELDS, SERVICE
from deployster_cli.domain.templates.secrets import MASK, without_login
from deployster_cli.domain.units.model import Service

_SECRET = re.compile(r"pass(?:word|wd)?$|secret|token|credential|(?:api|private|access)_?key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. ``value`` is text, a number, true or false, a list of text, or None for what isn't set.

    ``source`` is ``flag --endpoint``, ``DEPLOYSTER_FLEET_ENDPOINT``, ``deployster.toml:7`` or ``default``.
    """

    key: str
    value: object
    source: str


def entries(settings: Settings) -> tuple[Entry, ...]:
    """Every setting but the services', then what is given for each service. Secrets are masked already."""
    return (*_own(settings), *(entry for name in sorted(settings.services) for entry in _service(settings, name)))


def _own(settings: Settings) -> Iterator[Entry]:
    for keys in (("cluster",), *FILE_SETTINGS):
        key = ".".join(keys)
        yield Entry(key, _shown(key, _value(settings, keys)), settings.sources[key])


def _value(settings: Settings, keys: Keys) -> object:
    if keys == ("templates",):
        return settings.templates_dir
    found: object = settings
    for key in keys:
        found = settings.engines[key] if found is settings and key in settings.engines else getattr(found, key)
    return found


def _service(settings: Settings, name: str) -> Iterator[Entry]:
    service, at = settings.services[name], f"services.{name}"
    for key in SERVICE:
        if f"{at}.{key}" in settings.sources:
            yield _entry(settings, f"{at}.{key}", getattr(service, FIELDS.get(key, key)))
    if settings.before_deploy(name):
        yield _entry(settings, f"{at}.before_deploy", settings.before_deploy(name))
    yield from _of_the_users(settings, at, service)


def _of_the_users(settings: Settings, at: str, service: Service) -> Iterator[Entry]:
    """Yield the tables whose keys are the user's own. A value of the environment is always taken for a secret."""
    yield from (_entry(settings, f"{at}.env.{name}", MASK) for name in service.env)
    yield from (_entry(settings, f"{at}.set.{name}", value) for name, value in service.extra.items())


def _entry(settings: Settings, key: str, value: object) -> Entry:
    return Entry(key, _shown(key, value), settings.sources[key])


def _shown(key: str, value: object) -> object:
    """Return the value as JSON knows it, masked where its key or its form says that it is a secret."""
    if value in (None, "", ()):
        return None
    if _SECRET.search(key.rpartition(".")[2]):
        return MASK
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return without_login(str(value)) if isinstance(value, str | Path) else value
