"""Whether a Docker registry has an image, asked of its HTTP API before anything is started.

What is asked and what an answer means; the asking itself is handed in. No login is ever given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode

from deployster_cli.domain.wording import capitalized

DOCKER_HUB = "registry-1.docker.io"

# Every form of image there is: a registry says 404 to who doesn't accept the one that it has.
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)

_KINDS = ("application/vnd.oci.image.", "application/vnd.docker.distribution.manifest.")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]+){3}|\[::1\]")
_PARAMETER = re.compile(r'\b(\w{1,64})="([^"]*)"')
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class Unanswered(Exception):
    """No answer came: ``reason`` says why. ``plain``: the other side may speak HTTP without TLS."""

    def __init__(self, reason: str, *, plain: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.plain = plain


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The names in ``headers`` are in lower case; ``body`` is the first 64 KB of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Fetch(Protocol):
    """One HTTP request, bounded in time, that follows no redirect. Unanswered where none came back."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer, whatever its status."""
        ...


class Presence(Enum):
    """Whether the registry has it."""

    THERE = "there"
    MISSING = "missing"
    # The registry gave no answer that says so.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a registry said of an image: ``text`` in one sentence, and ``cure`` where something is amiss."""

    presence: Presence
    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name taken apart: ``registry`` HOST[:PORT], ``name`` its repository there, ``tag``."""

    registry: str
    name: str
    tag: str

    @classmethod
    def parse(cls, image: str) -> Reference:
        """As docker reads it: a first part with a dot or a colon in it, or localhost, is a registry."""
        path, _, tag = image.rpartition(":")
        first, slash, rest = path.partition("/")
        if slash and (first == "localhost" or re.search("[.:]", first)):
            return cls(first, rest, tag)
        return cls(DOCKER_HUB, path if slash else f"library/{path}", tag)

    @property
    def loopback(self) -> bool:
        """Whether the registry is on the machine that asks, whichever that is."""
        host = self.registry if self.registry.endswith("]") else re.sub(r":[0-9]+$", "", self.registry)
        return bool(_LOOPBACK.fullmatch(host))

    @property
    def may_be_plain(self) -> bool:
        """Whether it may speak HTTP without TLS: it has a port of its own, or is on this machine."""
        return self.loopback or bool(re.search(r":[0-9]+$", self.registry))

    @property
    def shown(self) -> str:
        """The registry, as people call it."""
        return "Docker Hub" if self.registry == DOCKER_HUB else f"the registry {self.registry}"


def image_problem(image: str, fetch: Fetch, *, is_local: bool) -> str:
    """Why a deploy of ``image`` can't succeed, in one sentence: its registry says that it hasn't got it.

    Empty where it has, and where nobody here can tell: the machines may see more than we do. ``is_local``: what
    runs there runs on this one, so a registry on loopback is ours to ask.
    """
    if Reference.parse(image).loopback and not is_local:
        return ""
    found = look_up(image, fetch)
    return f"{found.text} {found.cure}" if found.presence is Presence.MISSING else ""


def look_up(image: str, fetch: Fetch) -> Lookup:
    """Ask the image's registry for it; never raises."""
    reference = Reference.parse(image)
    try:
        answer = _asked(reference, fetch)
    except Unanswered as error:
        return _unknown(f"{reference.shown} gave no answer: {error.reason}.", "Check registry_url.")
    return _judged(image, reference, answer)


def _judged(image: str, reference: Reference, answer: Answer) -> Lookup:
    shown = capitalized(reference.shown)
    if answer.status == HTTPStatus.OK:
        if not _is_manifest(answer):
            return _unknown(f"{shown} answers like a web page, not like a registry.", "Check registry_url.")
        return Lookup(Presence.THERE, f"{reference.shown} has {image}")
    if answer.status == HTTPStatus.NOT_FOUND:
        return Lookup(Presence.MISSING, f"{shown} has no image {image}.", "Push it, or check the version.")
    if answer.status in _REFUSED:
        text = f"{shown} requires a login for {image}: it is private, or does not exist."
        return _unknown(text, "Check that docker on the machines is logged in there.")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _unknown(f"{shown} was asked too many times.", "Try again later.")
    return _unknown(f"{shown} answered {answer.status} when asked for {image}.", "Check registry_url.")


def _is_manifest(answer: Answer) -> bool:
    """Whether it tells of an image: a login page, a parked domain, a proxy's page of errors come with 200 too.

    A registry names the digest or what kind of manifest it is; some leave out one of the two to HEAD.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.startswith(_KINDS) or bool(_DIGEST.fullmatch(answer.headers.get("docker-content-digest", "").strip()))


def _unknown(text: str, cure: str) -> Lookup:
    return Lookup(Presence.UNKNOWN, capitalized(text), cure)


def _asked(reference: Reference, fetch: Fetch) -> Answer:
    try:
        return _manifest("https", reference, fetch)
    except Unanswered as error:
        if not (error.plain and reference.may_be_plain):
            raise
    return _manifest("http", reference, fetch)


def _manifest(scheme: str, reference: Reference, fetch: Fetch) -> Answer:
    """Return the registry's answer; where it wants a token, asked again with one that anybody gets."""
    url = f"{scheme}://{reference.registry}/v2/{reference.name}/manifests/{reference.tag}"
    answer = fetch("HEAD", url, {"Accept": MANIFESTS})
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return answer
    token = _token(answer.headers.get("www-authenticate", ""), scheme, reference, fetch)
    return fetch("HEAD", url, {"Accept": MANIFESTS, "Authorization": f"Bearer {token}"}) if token else answer


def _token(challenge: str, scheme: str, reference: Reference, fetch: Fetch) -> str:
    """Return a token for reading this repository; empty where the registry gives none without a login."""
    kind, _, parameters = challenge.partition(" ")
    given = dict(_PARAMETER.findall(parameters))
    realm = given.get("realm", "")
    if kind.lower() != "bearer" or not realm.startswith(("https://", f"{scheme}://")):
        return ""
    query = urlencode({"service": given.get("service", ""), "scope": f"repository:{reference.name}:pull"})
    answer = fetch("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", {"Accept": "application/json"})
    return _token_in(answer.body) if answer.status == HTTPStatus.OK else ""


def _token_in(body: bytes) -> str:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    token = (said.get("token") or said.get("access_token")) if isinstance(said, dict) else ""
    return token if isinstance(token, str) and re.fullmatch(r"[!-~]+", token) else ""
