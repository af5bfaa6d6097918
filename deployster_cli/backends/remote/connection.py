"""One server over HTTP: requests, their time limits, and errors of ours for whatever goes wrong. httpx is used here.

Redirects are never followed, so the login goes to nobody but the server that was named.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from urllib.request import getproxies

import httpx

from deployster_cli import __version__
from deployster_cli.backends.remote.errors import NotAServer, ServerUnreachable, passing, refused, unanswered
from deployster_cli.backends.remote.login import Login
from deployster_cli.domain.units.names import quoted
from deployster_cli.errors import InvalidInput

# Seconds to reach the server.
CONNECT = 10.0

# Seconds for an answer: behind it may be several calls to an engine, each with a time limit of its own.
READ = 90.0

# Bytes of one answer. Ten thousand units are a tenth of it.
LARGEST = 64 * 1024 * 1024

# Seconds before a request that may be made again is made again.
_PAUSES = (0.2, 0.6)

# A stream that may be silent for long (a task's output) still ends within a minute after its server is cut off.
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. ``path`` is what comes behind the server's URL; ``silence`` are seconds without a byte (None: any).

    ``again`` says that it may be made twice: it changes nothing, or carries an Idempotency-Key.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    silence: float | None = READ
    again: bool = False


# Hears of a request that was made: method, path, its answer's status (None: there was none), and the seconds.
Told = Callable[[str, str, int | None, float], None]


@dataclass
class Connection:
    """The server at ``url``; ``ca`` is a file of certificates to trust, empty for the system's; ``told`` hears of every
    request, when its answer begins.

    Every method raises ServerUnreachable, LoginRefused, NotAServer or RemoteFailed.
    """

    url: str
    ca: str
    find_login: Callable[[], Login]
    told: Told = lambda *_: None

    @cached_property
    def login(self) -> Login:
        """Looked for (or asked for) once, before the first request."""
        return self.find_login()

    @cached_property
    def _client(self) -> httpx.Client:
        login, trusted = self.login, self._trusted()
        proxied = bool(getproxies()) and not _is_loopback(self.url)
        straight = httpx.HTTPTransport(verify=trusted, trust_env=False, socket_options=_KEEPALIVE)
        try:
            return httpx.Client(
                auth=(login.username, login.password),
                headers={"User-Agent": f"deployster/{__version__}"},
                transport=None if proxied else straight,
                verify=trusted,
                trust_env=proxied,
            )
        except (ImportError, ValueError) as error:
            raise InvalidInput(f"The proxy that the environment names can't be used: {error}.") from error

    def close(self) -> None:
        """Close what is open."""
        if "_client" in self.__dict__:
            self._client.close()

    def get(self, path: str) -> Any:
        """Return the JSON at ``path``."""
        return self.ask(Sent("GET", path, again=True))

    def ask(self, sent: Sent) -> Any:
        """Return the JSON that answers a request."""
        with self.open(sent, "application/json") as response:
            body = self._whole(response)
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                kind = response.headers.get("content-type", "nothing")
                raise NotAServer(
                    f"{self.url} answered with {quoted(kind)} where JSON was expected.", "Is the address right?"
                ) from None

    @contextmanager
    def open(self, sent: Sent, accept: str) -> Iterator[httpx.Response]:
        """Give the answer to a request, once its head is there and not a refusal; its body is read by the caller."""
        with ExitStack() as stack, self._blaming():
            response = self._answered(stack, sent, accept)
            if not response.is_success:
                raise refused(self.url, response, self._whole(response), self.login)
            yield response

    def _answered(self, stack: ExitStack, sent: Sent, accept: str) -> httpx.Response:
        for pause in _PAUSES if sent.again else ():
            try:
                return stack.enter_context(self._send(sent, accept))
            except httpx.TransportError as error:
                if not passing(error):
                    raise
                time.sleep(pause)
        return stack.enter_context(self._send(sent, accept))

    @contextmanager
    def _send(self, sent: Sent, accept: str) -> Iterator[httpx.Response]:
        began, status = time.monotonic(), None
        try:
            with self._streamed(sent, accept) as response:
                status = self._note(sent, response.status_code, began)
                yield response
        finally:
            if status is None:
                self._note(sent, None, began)

    def _note(self, sent: Sent, status: int | None, began: float) -> int | None:
        self.told(sent.method, sent.path, status, time.monotonic() - began)
        return status

    def _streamed(self, sent: Sent, accept: str) -> AbstractContextManager[httpx.Response]:
        return self._client.stream(
            sent.method,
            f"{self.url}{sent.path}",
            json=sent.body,
            headers={"Accept": accept, **sent.headers},
            timeout=httpx.Timeout(CONNECT, read=sent.silence),
        )

    def _whole(self, response: httpx.Response) -> bytes:
        """Return the body, as long as it is neither too large nor too slow to be an answer of ours."""
        until, parts, size = time.monotonic() + READ, [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise NotAServer(f"{self.url} answered with more than {LARGEST:,} bytes.")
            if time.monotonic() > until:
                raise ServerUnreachable(f"{self.url} was still answering after {READ:.0f}s.")
        return b"".join(parts)

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except httpx.RequestError as error:
            raise unanswered(self.url, error) from error
        except httpx.InvalidURL as error:
            raise InvalidInput(f"{self.url} can't be a server's address: {error}.") from error

    def _trusted(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except ssl.SSLError:
            raise InvalidInput(f"{self.ca} holds no certificate in PEM form.") from None
        except OSError as error:
            raise InvalidInput(f"{self.ca} can't be read: {error.strerror}.") from error


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
