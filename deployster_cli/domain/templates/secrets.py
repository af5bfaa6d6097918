"""Secrets: values of ``env`` that come from the environment of who deploys, and that nobody is shown.

Their values stand in the unit file, which fleet keeps in etcd in the clear and every user of a machine may read. So
they are kept out of everything else: argv, messages, ``[X-Deployster]`` (which has their names) and whatever is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from deployster_cli.domain.units.model import Service
from deployster_cli.domain.units.names import quoted
from deployster_cli.domain.units.unitfile import Option, UnitFile
from deployster_cli.errors import InvalidInput

# Stands for a value that may be a secret.
MASK = "***"

_LOGIN = re.compile(r"(?<=//)[^/@\s]+@")

# What built-in templates put before a variable's name that is on its way to a container.
PREFIX = "DEPLOYSTER_ENV_"

# Stands behind a masked line that differs from the other one only in what is masked.
ANOTHER = " (another value)"


def with_secrets(service: Service, environ: Mapping[str, str]) -> Service:
    """Return the service with each of its ``secrets`` in ``env``: as it is there, else as ``environ`` has it.

    InvalidInput names those that are nowhere. Only what renders a unit needs this.
    """
    wanted = [name for name in service.secrets if name not in service.env]
    missing = [name for name in wanted if not environ.get(name)]
    if missing:
        raise InvalidInput(
            f"{service.name} takes {', '.join(map(quoted, missing))} from your environment, where it is not set.",
            "Set it where you run Deployster, or keep it in a file on the machines (env_file).",
        )
    return service._replace(env={**service.env, **{name: environ[name] for name in wanted}})


def notice(service: Service, discloses: str) -> str:
    """Return what the deployer is to be told once: who can read the unit file, in the engine's words (``discloses``).

    Empty where the service has no secrets, or the engine discloses none.
    """
    if not service.secrets or not discloses:
        return ""
    what = "the values stand" if len(service.secrets) > 1 else "its value stands"
    return (
        f"{', '.join(service.secrets)}: {what} in the unit file in the clear, which {discloses}. "
        "A file on the machines (env_file) keeps it there."
    )


def masked(service: Service) -> Service:
    """Return the service as it may be shown: every secret's value is MASK."""
    return service._replace(env={**service.env, **dict.fromkeys(service.secrets, MASK)})


def without_login(text: str) -> str:
    """``text`` with the logins in its addresses masked."""
    return _LOGIN.sub(f"{MASK}@", text)


def hidden(options: Iterable[Option], names: Iterable[str]) -> tuple[Option, ...]:
    """Return the options with whatever follows ``NAME=`` masked, to the end of the line: where a value ends is not
    asked.
    """
    anyone = "|".join(map(re.escape, names)) or "(?!)"
    assigned = re.compile(rf"[\"']?(?<![A-Za-z0-9_])((?:{PREFIX})?(?:{anyone})=).*")
    return tuple((section, option, assigned.sub(rf"\1{MASK}", value)) for section, option, value in options)


def compared(running: UnitFile, wanted: UnitFile, shown: UnitFile) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """Return the options of ``running`` and ``wanted``, stamps left out, as they may be shown beside each other.

    ``shown`` is ``wanted`` with its secrets masked. Where a template writes a secret in another way than as
    ``NAME=value``, an earlier value can't be told from what is round it, so the whole line is masked.
    """
    names = (*_secrets_of(running), *_secrets_of(wanted))
    unsure = _carriers(hidden(wanted.essence, names), hidden(shown.essence, names))
    old, new = (_covered(hidden(file.essence, names), unsure) for file in (running, wanted))
    there = set(running.essence)
    changed = tuple(
        (*option[:2], option[2] + ANOTHER) if option in old and real not in there else option
        for real, option in zip(wanted.essence, new, strict=True)
    )
    return old, changed


def _carriers(real: tuple[Option, ...], shown: tuple[Option, ...]) -> set[tuple[str, str]]:
    """(section, name) of the options that still hold a secret: those that are otherwise where its value is."""
    differing = ({one, other} for one, other in zip_longest(real, shown) if one != other)
    return {option[:2] for pair in differing for option in pair if option}


def _covered(options: tuple[Option, ...], unsure: set[tuple[str, str]]) -> tuple[Option, ...]:
    return tuple((*option[:2], MASK) if option[:2] in unsure else option for option in options)


def _secrets_of(file: UnitFile) -> tuple[str, ...]:
    return file.stamp.secrets if file.stamp else ()
