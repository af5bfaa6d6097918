"""A server that answers what a test tells it to, over real sockets: for all that a good server never does."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[[bytes], None]

# Writes the raw answer to a request. What it leaves unsaid is left unsaid: the connection is closed behind it.
Answer = Callable[["Request", Say], None]


@dataclass(frozen=True)
class Request:
    """What came in. ``headers`` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Double:
    """``answers`` are given one after the other, the last again and again; ``requests`` is all that came."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, request: Request) -> Answer:
        """What this request is answered."""
        with self.lock:
            self.requests.append(request)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(status: int, body: object = b"", *, kind: str = "application/json", **headers: str) -> Answer:
    """A whole answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"content-type": kind, "content-length": str(len(content)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())

    def say(_: Request, say: Say) -> None:
        say(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content)

    return say


def problem(status: int, detail: str, **more: object) -> Answer:
    """An error as our server says it."""
    body = {"type": "about:blank", "title": "Whatever", "status": status, "detail": detail, **more}
    return answer(status, body, kind="application/problem+json")


def stream(text: str) -> Answer:
    """Server-sent events, and then the connection's end."""
    return lambda _, say: say(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + text.encode())


def told(number: int, event: dict[str, Any]) -> str:
    """One progress event."""
    return f"event: progress\nid: {number}\ndata: {json.dumps({'at': '', 'lines': [], 'event': event})}\n\n"


def end(**job: Any) -> str:
    """The last event: the job."""
    return f"event: end\ndata: {json.dumps({'id': 'j1', 'state': 'done', 'error': None, 'result': None, **job})}\n\n"


def nothing(_: Request, __: Say) -> None:
    """The connection closed without a word."""


@contextmanager
def running() -> Iterator[Double]:
    """A double on a port of this machine."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            understood = self.raw_requestline and self.parse_request()
            self.close_connection = True
            if understood:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                double.next(request)(request, self._say)

        def _say(self, text: bytes) -> None:
            self.wfile.write(text)
            self.wfile.flush()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that left is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
