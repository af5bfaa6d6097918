"""HTTP for the registry's sake: one request within a time limit. What is asked is operations.registry's matter."""

from __future__ import annotations

import http.client
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO

from deployster_cli.operations.images import Answer, Unanswered

# Seconds for one request, finding the address and all.
LIMIT = 10.0

# Bytes of an answer's body. A token is a few thousand.
LARGEST = 65_536

Outcome = Answer | Exception


def fetch(method: str, url: str, headers: Mapping[str, str], *, limit: float = LIMIT) -> Answer:
    """One request; operations.registry.Fetch.

    It is made by a thread of its own, which is left alone at the limit: neither the looking up of an address nor a
    server that sends a byte now and then knows of one.
    """
    outcomes: list[Outcome] = []
    asking = threading.Thread(target=lambda: outcomes.append(_outcome(method, url, headers, limit)), daemon=True)
    asking.start()
    asking.join(limit)
    if not outcomes or isinstance(_cause(outcomes[0]), TimeoutError):
        raise Unanswered(f"it took longer than {limit:g} s")
    if isinstance(outcomes[0], Exception):
        raise _unanswered(outcomes[0]) from outcomes[0]
    return outcomes[0]


def _outcome(method: str, url: str, headers: Mapping[str, str], limit: float) -> Outcome:
    request = urllib.request.Request(url, method=method, headers=dict(headers))  # noqa: S310 - http and https only
    try:
        with _opener(request.host).open(request, timeout=limit) as response:
            return Answer(response.status, _lower(response.headers), response.read(LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token must not be carried to wherever an answer points."""

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Never: the redirect is the answer."""


def _opener(host: str) -> urllib.request.OpenerDirector:
    """By the proxy that the environment names, as docker does: a registry on loopback is asked directly."""
    direct = [urllib.request.ProxyHandler({})] if host.startswith(("127.", "localhost", "[::1]")) else []
    return urllib.request.build_opener(_NoRedirect, *direct)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _unanswered(error: Exception) -> Unanswered:
    """Why there was no answer. What speaks no TLS answers with something else, or hangs up."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unanswered(f"its certificate is not trusted here ({cause.verify_message})")
    plain = isinstance(cause, ssl.SSLError | ConnectionError | http.client.RemoteDisconnected)
    return Unanswered(_words(cause), plain=plain and not isinstance(cause, ConnectionRefusedError))


def _cause(outcome: object) -> object:
    return outcome.reason if isinstance(outcome, urllib.error.URLError) else outcome


def _words(cause: object) -> str:
    if isinstance(cause, ssl.SSLError):
        return "it speaks no TLS"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__ if isinstance(cause, Exception) else str(cause)
