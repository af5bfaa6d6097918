"""What a connection may cost before a login, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deployster_cli.server.app import create_app
from deployster_cli.server.connections import Bounds, bounded
from deployster_cli.server.running import listener
from tests.server.app_given import an_engine, served

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(params=[H11Protocol, HttpToolsProtocol])
def port(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server's port, with each of the protocols that may be there; a head has half a second."""
    monkeypatch.setattr(Bounds, "longest_head", 0.5)
    with served(tmp_path, an_engine()) as serving:
        http: type[asyncio.Protocol] = bounded(request.param)
        config = uvicorn.Config(create_app(serving), http=http, log_config=None, ws="none", lifespan="off")
        server, sock = uvicorn.Server(config), listener("127.0.0.1:0")
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield sock.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=3)


def ended(stream: socket.socket) -> bool:
    """Whether the server ends the connection before the patience of a test does."""
    try:
        while stream.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("said", [b"", b"GET /hea", HEAD])
def test_who_does_not_end_a_head_is_cut_off(port: int, said: bytes) -> None:
    with connected(port) as stream:
        stream.sendall(said)
        assert ended(stream)


def test_who_drips_a_head_is_cut_off(port: int) -> None:
    with connected(port) as stream, pytest.raises(ConnectionError):
        for letter in HEAD * 100:
            stream.sendall(bytes([letter]))
            time.sleep(0.03)


def test_a_head_without_end_is_cut_off(port: int) -> None:
    with connected(port) as stream, pytest.raises(ConnectionError):
        stream.sendall(HEAD)
        for _ in range(10_000):
            stream.sendall(b"X: " + b"a" * 1000 + b"\r\n")


def test_a_second_head_that_does_not_end_is_cut_off(port: int) -> None:
    with connected(port) as stream:
        stream.sendall(HEAD + b"\r\n")
        assert b"200 OK" in stream.recv(65536)
        stream.sendall(HEAD)
        assert ended(stream)


def test_a_body_without_end_that_nobody_reads_is_cut_off(port: int) -> None:
    with connected(port) as stream, pytest.raises(ConnectionError):
        stream.sendall(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100_000):
            stream.sendall(b"x" * 1000)


def test_a_request_in_pieces_is_answered(port: int) -> None:
    with connected(port) as stream:
        for piece in (HEAD[:9], HEAD[9:], b"\r\n"):
            stream.sendall(piece)
            time.sleep(0.05)
        assert b"200 OK" in stream.recv(65536)


def test_a_body_may_take_longer_than_a_head(port: int) -> None:
    with connected(port) as stream:
        stream.sendall(b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
        time.sleep(0.2)
        stream.sendall(b"{}")
        assert b" 401 " in stream.recv(65536)
