"""What goes wrong between us and a server, as errors: no answer, no TLS, no login, a problem that the server tells."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping

import httpx

from deployster_cli.backends.remote.login import HOW, Login, LoginRefused
from deployster_cli.domain.durations import format_duration
from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import (
    EXIT_ENGINE,
    EXIT_FAILED,
    EXIT_LOCKED,
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    DeploysterError,
    EngineUnreachable,
    OutputUnreadable,
)

PROBLEM = "application/problem+json"

# HTTP status → exit code, for a problem that names none.
_EXIT_CODES = {
    400: EXIT_USAGE,
    404: EXIT_NOT_FOUND,
    409: EXIT_LOCKED,
    413: EXIT_USAGE,
    415: EXIT_USAGE,
    422: EXIT_USAGE,
    429: EXIT_ENGINE,
    502: EXIT_ENGINE,
    503: EXIT_ENGINE,
    504: EXIT_ENGINE,
}

_MOST = 255

# Characters of a server's sentence that are repeated.
_LONGEST = 4000

Problem = Mapping[str, object]


class RemoteFailed(DeploysterError):
    """What the server said went wrong, in its words and with its exit code. ``status`` is HTTP's, 0 for a job's end."""

    def __init__(self, message: str, hint: str = "", *, exit_code: object = None, status: int = 0) -> None:
        super().__init__(message[:_LONGEST], hint[:_LONGEST])
        given = exit_code if isinstance(exit_code, int) and 0 < exit_code <= _MOST else None
        self.exit_code = given or _EXIT_CODES.get(status, EXIT_FAILED)
        self.status = status


class ServerUnreachable(EngineUnreachable):
    """The server did not answer: what it did with the request is not known."""


class NotAServer(OutputUnreadable):
    """Something answered that is not a Deployster server, or is one that this version can't read."""


# Cause → what is said of it, and the hint.
_CAUSES: tuple[tuple[tuple[type, ...], str, str], ...] = (
    ((ssl.SSLError,), "TLS with {url} failed: {why}.", "Is it http:// and not https://?"),
    (
        (TimeoutError, httpx.TimeoutException),
        "{url} did not answer in time.",
        "Is the address right, and the server up?",
    ),
    (
        (ConnectionResetError, BrokenPipeError, httpx.RemoteProtocolError),
        "{url} closed the connection.",
        "Is the server up, and is it http:// or https:// as you wrote it?",
    ),
    ((OSError,), "{url} can't be reached: {why}.", "Is deployster serve running there, and is the address right?"),
    ((Exception,), "Talking to {url} failed: {why}.", ""),
)


def unanswered(url: str, error: httpx.RequestError) -> DeploysterError:
    """Why there was no whole answer from ``url``."""
    cause = next(_chain(error))
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _untrusted(url, cause)
    message, hint = next((message, hint) for kinds, message, hint in _CAUSES if isinstance(cause, kinds))
    why = getattr(cause, "reason", "") or getattr(cause, "strerror", "") or type(cause).__name__
    return ServerUnreachable(message.format(url=url, why=why), hint)


def passing(error: httpx.TransportError) -> bool:
    """Whether the same request may fare better in a moment: nobody listened just then, or the connection broke."""
    lasting = isinstance(next(_chain(error)), ssl.SSLError | socket.gaierror)
    return isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError) and not lasting


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the operating system's own error behind a library's, if there is one, else the library's."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, OSError):
            yield at
        at = at.__cause__ or at.__context__
    yield error


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> ServerUnreachable:
    return ServerUnreachable(
        f"The certificate of {url} is not trusted: {error.verify_message}.",
        "Where it is your own: --server-ca FILE, or DEPLOYSTER_SERVER_CA, names the certificate that signed it (PEM).",
    )


def refused(url: str, response: httpx.Response, body: bytes, login: Login) -> DeploysterError:
    """Return the error that an answer outside 2xx stands for."""
    status = response.status_code
    if status == httpx.codes.UNAUTHORIZED:
        return LoginRefused(f"{url} refuses the login of {quoted(login.username)} (from {login.source}).", HOW)
    if response.is_redirect:
        where = quoted(_without_login(response.headers.get("location", "")))
        return NotAServer(
            f"{url} redirects to {where}; the login is not sent there.", "Use that address if it is right."
        )
    problem = _problem(response, body)
    if problem is None:
        return _stranger(url, response)
    detail = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
    hint = str(problem.get("hint") or _later(response))
    if status == httpx.codes.FORBIDDEN:
        return LoginRefused(detail, hint)
    return RemoteFailed(detail, hint, exit_code=problem.get("exit_code"), status=status)


def _stranger(url: str, response: httpx.Response) -> DeploysterError:
    """Something answered that is not ours: a proxy before a server that is away, or another program."""
    status = response.status_code
    words = f"{url} answered {status} {response.reason_phrase}".rstrip()
    if status in {502, 503, 504}:
        return RemoteFailed(f"{words}: what is behind it can't be reached now.", _later(response), status=status)
    return NotAServer(f"{words}, not as a Deployster server does.", "Is the address right?")


def _problem(response: httpx.Response, body: bytes) -> Problem | None:
    if response.headers.get("content-type", "").partition(";")[0].strip() != PROBLEM:
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _later(response: httpx.Response) -> str:
    seconds = response.headers.get("retry-after", "")
    return f"Try again in {format_duration(float(seconds[:9]))}." if seconds.isascii() and seconds.isdigit() else ""


def _without_login(address: str) -> str:
    """Return an address as it may be shown."""
    scheme, double_slash, rest = address.partition("//")
    host, slash, path = rest.partition("/")
    return f"{scheme}{double_slash}{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
