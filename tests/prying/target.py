"""A server to try: raw bytes to it and from it, over TCP or TLS, as no well-behaved client would send them."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE = 20.0
"""Seconds for an answer that nothing holds up; a busy machine is no finding."""

Header = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    """What came back on one connection, to its end or to the end of our patience."""

    raw: bytes
    ended: bool

    @property
    def statuses(self) -> list[int]:
        """The status of each answer in it."""
        return [int(status) for status in re.findall(rb"(?:^|\r\n|\n|[}\]>])HTTP/1\.[01] (\d{3}) ", self.raw)]

    @property
    def seen(self) -> str:
        """Its statuses, for the table: ``401``, ``200 200``; or that there was none."""
        return " ".join(map(str, self.statuses)) or ("closed" if self.ended else "nothing")

    @property
    def headers(self) -> dict[str, str]:
        """The first answer's."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def body(self) -> bytes:
        """What follows the first head."""
        return self.raw.partition(b"\r\n\r\n")[2]


@dataclass(frozen=True)
class Target:
    """Where the server is, and its login. ``ca`` is the file that HTTPS is checked by."""

    url: str
    username: str
    password: str = field(repr=False)
    ca: str = ""

    @property
    def host(self) -> str:
        """Its name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Its port."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.url.startswith("https:")

    @property
    def login(self) -> Header:
        """The right one."""
        return login(self.username, self.password)

    def tcp(self) -> socket.socket:
        """A connection on which nothing was said yet, not even for TLS."""
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def connected(self) -> socket.socket:
        """A connection on which HTTP can be said."""
        stream = self.tcp()
        if not self.secure:
            return stream
        return ssl.create_default_context(cafile=self.ca or None).wrap_socket(stream, server_hostname=self.host)

    def head(self, method: str, path: str, headers: Iterable[Header] = (), *, version: str = "1.1") -> bytes:
        """A request's head. ``Host`` is in it unless ``headers`` begin with one."""
        given = list(headers)
        if not given or given[0][0] != "Host":
            given.insert(0, ("Host", f"{self.host}:{self.port}"))
        lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in given), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def ask(self, method: str, path: str, *headers: Header, body: bytes = b"", known: bool = True) -> Answer:
        """One request, its connection closed behind it. ``known``: with the login."""
        more: list[Header] = [*headers, ("Connection", "close")]
        if known:
            more.append(self.login)
        if body:
            more.append(("Content-Length", str(len(body))))
        return self.say(self.head(method, path, more) + body)

    def say(self, *pieces: bytes, pause: float = 0.0, patience: float = PATIENCE, shut: bool = False) -> Answer:
        """Bytes on a connection of their own, with a pause behind each piece; what came back."""
        with self.connected() as stream:
            _send(stream, pieces, pause)
            if shut:
                stream.shutdown(socket.SHUT_WR)
            return heard(stream, patience)


def login(username: str, password: str, scheme: str = "Basic") -> Header:
    """An Authorization header."""
    return "Authorization", f"{scheme} {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _send(stream: socket.socket, pieces: Sequence[bytes], pause: float) -> None:
    with contextlib.suppress(OSError):  # it may have been ended meanwhile: what came back tells
        for piece in pieces:
            stream.sendall(piece)
            time.sleep(pause)


def heard(stream: socket.socket, patience: float = PATIENCE) -> Answer:
    """What comes until the server ends the connection, or until the end of the patience."""
    raw, until = b"", time.monotonic() + patience
    try:
        while (left := until - time.monotonic()) > 0:
            stream.settimeout(left)
            piece = stream.recv(65536)
            if not piece:
                return Answer(raw, True)
            raw += piece
    except TimeoutError:
        return Answer(raw, False)
    except OSError:
        return Answer(raw, True)
    return Answer(raw, False)
