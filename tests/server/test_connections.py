"""What a connection may cost before a login, over real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deployster_cli.server.app import create_app
from deployster_cli.server.connections import Bounds, Crowd, Handshake, bounded, shaking_hands
from deployster_cli.server.main import listener
from tests.server.app_given import LOGIN, an_engine, served

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


PROTOCOLS = (H11Protocol, HttpToolsProtocol)


@pytest.fixture(params=PROTOCOLS)
def port(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server's port, with each of the protocols that may be there; a head has half a second."""
    monkeypatch.setattr(Bounds, "longest_head", 0.5)
    with listening(tmp_path, bounded(request.param, Crowd())) as port:
        yield port


@contextmanager
def listening(folder: Path, http: type[asyncio.Protocol]) -> Iterator[int]:
    """The port of a server that speaks by this protocol."""
    with served(folder, an_engine()) as serving:
        config = uvicorn.Config(
            create_app(serving), http=http, log_config=None, ws="none", lifespan="off", loop="asyncio"
        )
        server, sock = uvicorn.Server(config), listener("127.0.0.1:0")
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield sock.getsockname()[1]
        finally:
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


BASIC = b64encode(f"{LOGIN.username}:{LOGIN.password}".encode())


def asked(path: bytes) -> bytes:
    """A request with the login."""
    return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + BASIC + b"\r\n\r\n"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_takes_no_answer_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: type[asyncio.Protocol]
) -> None:
    monkeypatch.setattr(Bounds, "longest_stall", 0.5)
    with listening(tmp_path, bounded(protocol, Crowd())) as port, connected(port) as stream:
        stream.settimeout(20)
        with pytest.raises(ConnectionError):
            while True:
                stream.sendall(asked(b"/openapi.json") * 100)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_takes_an_answer_slowly_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: type[asyncio.Protocol]
) -> None:
    monkeypatch.setattr(Bounds, "longest_stall", 0.5)
    asking, answered = asked(b"/assets/dashboard.js") * 200, b""
    with listening(tmp_path, bounded(protocol, Crowd())) as port, connected(port) as stream:
        stream.settimeout(20)
        stream.sendall(asking)
        while answered.count(b"HTTP/1.1 200") < 200 and (piece := stream.recv(50_000)):
            answered += piece
            time.sleep(0.03)
    assert answered.count(b"HTTP/1.1 200") == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_silent_connections_make_room_for_others(tmp_path: Path, protocol: type[asyncio.Protocol]) -> None:
    with listening(tmp_path, bounded(protocol, Crowd(5))) as port, ExitStack() as held:
        silent = [held.enter_context(connected(port)) for _ in range(20)]
        with connected(port) as stream:
            stream.sendall(HEAD + b"\r\n")
            assert (b"200 OK" in stream.recv(65536), ended(silent[0])) == (True, True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("path", "status"), [(b"/v1/units", b" 503 "), (b"/healthz", b" 200 ")])
def test_where_streams_take_all_places_others_are_told_to_come_again(
    tmp_path: Path, protocol: type[asyncio.Protocol], path: bytes, status: bytes
) -> None:
    with listening(tmp_path, bounded(protocol, Crowd(3))) as port, ExitStack() as held:
        for _ in range(3):
            stream = held.enter_context(connected(port))
            stream.sendall(asked(b"/v1/events"))
            stream.recv(1000)
        with connected(port) as late:
            late.sendall(asked(path))
            answer = late.recv(65536)
    assert (status in answer, b"retry-after" in answer) == (True, b"503" in status)


@pytest.fixture
def secure_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server that speaks HTTPS; a handshake has half a second."""
    monkeypatch.setattr(Handshake, "longest", 0.5)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with listening(tmp_path, shaking_hands(bounded(HttpToolsProtocol, Crowd(5)), context)) as port:
        yield port


def secured(port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connected(port), server_hostname="localhost")


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET /healthz HTTP/1.1\r\n\r\n"])
def test_who_does_not_end_a_handshake_is_cut_off(secure_port: int, said: bytes) -> None:
    with connected(secure_port) as stream:
        stream.sendall(said)
        assert ended(stream)


def test_handshakes_that_never_end_make_room_for_others(secure_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handshake, "longest", 30.0)
    with ExitStack() as held:
        silent = [held.enter_context(connected(secure_port)) for _ in range(20)]
        with secured(secure_port) as stream:
            stream.sendall(HEAD + b"\r\n")
            assert (b"200 OK" in stream.recv(65536), ended(silent[0])) == (True, True)


def test_what_is_said_right_behind_a_handshake_is_heard(secure_port: int) -> None:
    for _ in range(50):
        with secured(secure_port) as stream:
            stream.sendall(HEAD + b"\r\n")
            assert b"200 OK" in stream.recv(65536)


def test_a_look_at_a_secured_connection_that_was_lost_this_very_moment_is_no_fault() -> None:
    """Its transport has no socket any more, a turn of the loop before the protocol is told that it is over."""
    faults: list[object] = []

    class Quiet(asyncio.Protocol):
        app = None
        cycle = None

    class Lost(asyncio.Transport):
        get_write_buffer_size = staticmethod(lambda: 0)

    async def looked() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        guest = bounded(Quiet, Crowd())()
        guest.longest_stall = 0.01
        guest.connection_made(Lost())
        await asyncio.sleep(0.05)
        guest.connection_lost(None)

    asyncio.run(looked())
    assert faults == []
