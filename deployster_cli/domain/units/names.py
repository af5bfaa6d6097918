"""Names: service, version and instance to a unit's name and back, one to one.

The form is the one the Go service used, ``carousel-9f88701@1.service``. A ``-`` in the version is written
``\\x2d`` as systemd-escape does, so the last plain ``-`` before ``@`` always parts service from version.
From its v0.3 on the Go service wrote ``carousel:9f88701:2015.03.02-00.31.45@1.service``: that is read, and given to
nothing new.
Nothing that fails these patterns is ever put into an argv, a path or a unit file.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from deployster_cli.errors import InvalidInput

SERVICE = re.compile(r"[a-z0-9]++(?:[._-][a-z0-9]++)*")
VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
INSTANCE = re.compile(r"[1-9][0-9]{0,5}")

# What is before the ``@``. A version's ``-`` is escaped, so the last one is before the version.
_RELEASE = re.compile(rf"({SERVICE.pattern})-([A-Za-z0-9_](?:[A-Za-z0-9_.]|\\x2d){{0,127}}+)")

# The same as the Go service wrote it from its v0.3 on: parted by colons, with when it was deployed.
_MADE = re.compile(
    rf"({SERVICE.pattern}):({VERSION.pattern}):([0-9]{{4}}(?:\.[0-9]{{2}}){{2}}-[0-9]{{2}}(?:\.[0-9]{{2}}){{2}})"
)

# fleet and systemd both refuse longer ones.
LONGEST_UNIT_NAME = 255

# systemd puts instances into ``system-PREFIX.slice``, where each ``-`` and ``\`` of the prefix takes four characters;
# it can't load a unit whose slice has a longer name than 255.
_LONGEST_SLICE = 242

MOST_INSTANCES = 999_999

# How the name of a unit begins that is not of an instance, but a service's lock.
LOCK = "deployster-lock-"

# How the name of a unit begins that is not of an instance, but what was asked of a service last.
RECORD = "deployster-record-"

# Characters of a service that is changed: its lock and its record have names that must fit too.
LONGEST_SERVICE = LONGEST_UNIT_NAME - len(RECORD) - len(".service")

_QUOTED_AT_MOST = 60


def quoted(text: str) -> str:
    """``text`` as it may be shown in a sentence: on one line, not too long, its control characters spelled out."""
    shown = text if len(text) <= _QUOTED_AT_MOST else text[:_QUOTED_AT_MOST] + "…"
    return ascii(shown) if not shown.isprintable() else f"'{shown}'"


def printable(text: str, instead: str = "\ufffd", but: str = "") -> str:
    """``text`` with ``instead`` in the place of each character that could move a cursor or change a terminal.

    Those in ``but`` stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in but else instead for char in text)


def stampable(text: str) -> str:
    """Who asks, as a stamp may hold it: the printable ASCII of ``text``, without quotes, spaces, % and backslashes."""
    return "".join(char for char in text if char.isascii() and char.isprintable() and char not in ' "%\\')


def check_service(text: str) -> str:
    """``text`` if it can name a service, else InvalidInput."""
    if not SERVICE.fullmatch(text):
        raise InvalidInput(
            f"{quoted(text)} can't name a service: lower-case letters and digits, with single . _ or - between them."
        )
    return text


def check_version(text: str) -> str:
    """``text`` if it can be a version (a Docker tag), else InvalidInput."""
    if not VERSION.fullmatch(text):
        raise InvalidInput(
            f"{quoted(text)} can't be a version: up to 128 letters, digits, _ . and -, the first no . or -."
        )
    return text


def check_instance(number: int) -> None:
    """InvalidInput for a number that can't be an instance's."""
    if not 1 <= number <= MOST_INSTANCES:
        raise InvalidInput(f"{number} can't be an instance: they are numbered 1 to {MOST_INSTANCES}.")


class UnitName(NamedTuple):
    """One instance of one release. Ordered by service, version, then instance as a number.

    ``made`` is when the Go service deployed it, as its v0.3 and later put it into the name; else empty.
    """

    service: str
    version: str
    instance: int
    made: str = ""

    @classmethod
    def checked(cls, service: str, version: str, instance: int) -> UnitName:
        """Return the name made of parts from outside; InvalidInput where a part, or the whole's length, is refused."""
        check_service(service)
        check_version(version)
        check_instance(instance)
        name = cls(service, version, instance)
        if len(name.text) > LONGEST_UNIT_NAME:
            raise InvalidInput(
                f"The unit's name would be {len(name.text)} characters, {LONGEST_UNIT_NAME} is the most: "
                "shorten the service's name or the version."
            )
        prefix = name.text.partition("@")[0]
        in_slice = len(prefix) + 3 * (prefix.count("-") + prefix.count("\\"))
        if in_slice > _LONGEST_SLICE:
            raise InvalidInput(
                f"systemd can't load a unit of this name: in its slice's name the service and the version would be "
                f"{in_slice} characters, {_LONGEST_SLICE} is the most: shorten one of them; a dash counts seven-fold "
                "in the version and four-fold in the service."
            )
        return name

    @classmethod
    def parse(cls, text: str) -> UnitName | None:
        """Return the name that ``text`` writes, or None where it is not exactly what ``text`` of some name gives."""
        if len(text) > LONGEST_UNIT_NAME:
            return None
        before, _, behind = text.rpartition("@")
        release, instance = _release(before), _instance(behind)
        return cls(*release[:2], instance, release[2]) if release and instance else None

    @property
    def text(self) -> str:
        """The unit's name, as fleet and systemd know it."""
        if self.made:
            return f"{self.service}:{self.version}:{self.made}@{self.instance}.service"
        return f"{self.service}-{self.version.replace('-', chr(92) + 'x2d')}@{self.instance}.service"

    @property
    def short(self) -> str:
        """The name for a line on the screen: ``carousel 9f88701 @1`` reads back to nothing, so it is only shown."""
        return f"{self.service} {self.version} @{self.instance}" + (f" ({self.made})" if self.made else "")

    @property
    def title(self) -> str:
        """What the Description of our unit of this name ends in, but for a port: ``carousel 9f88701 instance 1``."""
        return f"{self.service} {self.version} instance {self.instance}"

    @property
    def container(self) -> str:
        """A name for this instance's container. Docker takes no ``@`` and no backslash; no service has ``--`` in it,
        so two instances never share one (``docker rm -f`` of a shared name would take down a stranger).
        """
        return f"{self.service}--{self.version}-{self.instance}" + (f"-{self.made}" if self.made else "")


@lru_cache(maxsize=4096)
def _release(text: str) -> tuple[str, str, str] | None:
    """Return the service, the version and when it was made in what is before the ``@``: read once, as listings have it
    for every instance.
    """
    found = _RELEASE.fullmatch(text)
    if found:
        return found[1], found[2].replace("\\x2d", "-"), ""
    made = _MADE.fullmatch(text)
    return (made[1], made[2], made[3]) if made else None


@lru_cache(maxsize=4096)
def _instance(text: str) -> int | None:
    """Return the instance in what is behind the ``@``."""
    number = text.removesuffix(".service")
    return int(number) if number != text and INSTANCE.fullmatch(number) else None


def image(service: str, version: str, *, docker_hub_username: str = "", registry_url: str = "") -> str:
    """Return the Docker image of a release: a registry takes the place of the Docker Hub user name."""
    owner = registry_url or docker_hub_username
    return f"{owner}/{service}:{version}" if owner else f"{service}:{version}"
