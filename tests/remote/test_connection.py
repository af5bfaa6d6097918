"""What goes wrong between a client and a server, each told apart, and the login never told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from deployster_cli.backends.remote import connection
from deployster_cli.backends.remote.connection import Connection, Sent
from deployster_cli.backends.remote.errors import NotAServer, RemoteFailed, ServerUnreachable
from deployster_cli.backends.remote.login import Login, LoginRefused
from deployster_cli.errors import DeploysterError
from tests.remote.double import Double, Request, Say, answer, closed_port, nothing, problem
from tests.remote.serving import PASSWORD

LOGIN = Login("deployster", PASSWORD, "the test")


def to(url: str, ca: str = "") -> Connection:
    return Connection(url, ca, lambda: LOGIN)


def told(server: Connection, sent: Sent | None = None) -> DeploysterError:
    """What is said of a request that comes to nothing."""
    with pytest.raises(DeploysterError) as error:
        server.ask(sent or Sent("GET", "/v1/units"))
    server.close()
    assert PASSWORD not in f"{error.value.message} {error.value.hint}"
    return error.value


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PAUSES", (0.0, 0.0))


def test_an_answer_is_json(double: Double, server: Connection) -> None:
    double.answers = [answer(200, {"units": []})]
    assert server.get("/v1/units") == {"units": []}


def test_the_login_goes_along_as_http_basic(double: Double, server: Connection) -> None:
    double.answers = [answer(200, {})]
    server.get("/v1/units")
    assert double.requests[0].headers["authorization"].startswith("Basic ")


def test_nobody_listens_there() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    error = told(to(url))
    assert (error.exit_code, error.message) == (4, f"{url} can't be reached: Connection refused.")


def test_there_is_no_such_host() -> None:
    error = told(to("http://nowhere.invalid"))
    assert (error.exit_code, "http://nowhere.invalid can't be reached" in error.message) == (4, True)


@pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1:99999", 4), ("http://[:::1]", 2)])
def test_an_address_that_is_none_is_told_of(url: str, code: int) -> None:
    assert told(to(url)).exit_code == code


def test_a_server_that_never_answers(double: Double, server: Connection) -> None:
    gone = threading.Event()

    def wait(_: Request, __: Say) -> None:
        gone.wait(5)

    double.answers = [wait]
    error = told(server, Sent("GET", "/v1/units", silence=0.2))
    gone.set()
    assert (error.exit_code, error.message) == (4, f"{double.url} did not answer in time.")


def test_a_server_that_answers_for_ever(double: Double, server: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ", 0.3)

    def drip(_: Request, say: Say) -> None:
        say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _number in range(100):
            say(b" ")
            time.sleep(0.02)

    double.answers = [drip]
    assert "was still answering after" in told(server).message


def test_an_answer_that_is_too_large(double: Double, server: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LARGEST", 100)
    double.answers = [answer(200, {"units": "x" * 200})]
    assert "answered with more than 100 bytes" in told(server).message


def test_a_connection_that_breaks(double: Double, server: Connection) -> None:
    double.answers = [nothing]
    error = told(server)
    assert (error.exit_code, error.message) == (4, f"{double.url} closed the connection.")


def test_what_may_be_asked_again_is(double: Double, server: Connection) -> None:
    double.answers = [nothing, nothing, answer(200, {"units": []})]
    assert server.get("/v1/units") == {"units": []}


def test_what_may_not_is_sent_once(double: Double, server: Connection) -> None:
    double.answers = [nothing, answer(200, {})]
    told(server, Sent("POST", "/v1/services/carousel/tasks", {}))
    assert len(double.requests) == 1


def test_a_wrong_login_exits_4_and_says_where_it_was_from(double: Double, server: Connection) -> None:
    double.answers = [problem(401, "Login, please.", exit_code=2)]
    error = told(server)
    assert (type(error), error.exit_code) == (LoginRefused, 4)
    assert error.message == f"{double.url} refuses the login of 'deployster' (from the test)."


def test_a_login_that_may_not_is_told_in_the_servers_words(double: Double, server: Connection) -> None:
    double.answers = [problem(403, "The password is the well-known one.", hint="Set another.", exit_code=2)]
    error = told(server)
    assert (error.exit_code, error.message, error.hint) == (4, "The password is the well-known one.", "Set another.")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(double: Double, server: Connection, status: int) -> None:
    double.answers = [answer(status, location="https://me:secret@elsewhere.example.com/v1?token=secret")]
    error = told(server)
    assert (type(error), len(double.requests), "secret" in error.message) == (NotAServer, 1, False)
    assert "redirects to 'https://elsewhere.example.com/v1'" in error.message


@pytest.mark.parametrize(("status", "code"), [(200, 4), (404, 4), (500, 4), (502, 4), (503, 4)])
def test_a_page_is_no_server_of_ours(double: Double, server: Connection, status: int, code: int) -> None:
    double.answers = [answer(status, b"<html>Hello</html>", kind="text/html")]
    assert told(server).exit_code == code


def test_a_problem_keeps_its_words_and_its_exit_code(double: Double, server: Connection) -> None:
    double.answers = [problem(422, "'a b' can't be a version.", hint="Try another.", exit_code=2)]
    error = told(server)
    assert (error.exit_code, error.message, error.hint) == (2, "'a b' can't be a version.", "Try another.")


@pytest.mark.parametrize(("status", "code"), [(404, 6), (409, 5), (415, 2), (422, 2), (500, 1), (502, 4), (503, 4)])
def test_a_problem_without_an_exit_code_has_its_statuss(
    double: Double, server: Connection, status: int, code: int
) -> None:
    double.answers = [problem(status, "No.")]
    assert told(server).exit_code == code


def test_a_server_that_is_busy_says_when_to_come_again(double: Double, server: Connection) -> None:
    body = b'{"detail": "fleetctl did not answer.", "exit_code": 4}'
    double.answers = [answer(503, body, kind="application/problem+json", Retry_After="90")]
    assert told(server).hint == "Try again in 1m30s."


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff"])
def test_a_broken_problem_is_no_problem_of_ours(double: Double, server: Connection, body: bytes) -> None:
    double.answers = [answer(500, body, kind="application/problem+json")]
    assert isinstance(told(server), NotAServer)


def test_a_path_in_front_is_kept(double: Double) -> None:
    double.answers = [answer(200, {})]
    server = to(f"{double.url}/deployster")
    server.get("/v1/units")
    server.close()
    assert double.requests[0].path == "/deployster/v1/units"


def test_a_proxy_is_not_asked_for_this_machine(
    double: Double, server: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    double.answers = [answer(200, {})]
    assert server.get("/v1/units") == {}


def test_a_proxy_is_asked_for_others(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", double.url)
    double.answers = [answer(200, {})]
    server = to("http://deploy.example.com")
    server.get("/v1/units")
    server.close()
    assert double.requests[0].path == "http://deploy.example.com/v1/units"


def test_a_proxy_of_an_unknown_kind_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1")
    assert "The proxy that the environment names can't be used" in told(to("http://deploy.example.com")).message


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[str]:
    """A server with a certificate for localhost, from that authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    def serve() -> None:
        while True:
            try:
                with context.wrap_socket(sock.accept()[0], server_side=True) as client:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
            except ssl.SSLError:
                """That client left, or was told nothing."""
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{sock.getsockname()[1]}"
        sock.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_a_certificate_of_ones_own_is_trusted_once_it_is_named(
    https: str, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = to(https, str(tmp_path / "ca.pem"))
    answered = server.get("/v1/units")
    server.close()
    assert answered == {}


def test_an_unknown_certificate_is_refused_with_the_way_to_trust_it(https: str) -> None:
    error = told(to(https))
    assert (error.exit_code, "--server-ca FILE" in error.hint) == (4, True)
    assert error.message.startswith(f"The certificate of {https} is not trusted: ")


def test_a_certificate_for_another_name_is_refused(https: str, authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    error = told(to(https.replace("localhost", "127.0.0.1"), str(tmp_path / "ca.pem")))
    assert "certificate is not valid for '127.0.0.1'" in error.message


def test_https_to_what_speaks_http(double: Double) -> None:
    double.answers = [nothing]
    error = told(to(double.url.replace("http:", "https:")))
    assert (type(error), error.exit_code) == (ServerUnreachable, 4)


@pytest.mark.parametrize(("content", "says"), [("nonsense", "holds no certificate"), (None, "No such file")])
def test_a_file_of_certificates_that_is_none(tmp_path: Path, content: str | None, says: str) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    error = told(to("https://localhost", str(tmp_path / "ca.pem")))
    assert (error.exit_code, says in error.message) == (2, True)


def test_a_failure_keeps_its_status() -> None:
    assert RemoteFailed("No.", status=503).status == 503
