"""Registries over real HTTP: Debian's docker-registry on loopback, and servers that misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import trustme

from deployster_cli.operations.images import Answer, Presence, Unanswered, image_problem, look_up
from deployster_cli.operations.registry_client import LARGEST, fetch

CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def called(method: str, url: str, body: bytes = b"", kind: str = "application/octet-stream") -> str:
    """One request of a push; where its answer points."""
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)  # noqa: S310 - our own http
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as response:
        return str(response.headers["Location"])


def push(registry: str, name: str, tag: str) -> None:
    """An image without layers, as docker push would leave it."""
    config = b"{}"
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    at = called("POST", f"http://{registry}/v2/{name}/blobs/uploads/")
    called("PUT", f"{at}&digest={digest}", config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/json", "size": len(config), "digest": digest},
        "layers": [],
    }
    called("PUT", f"http://{registry}/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that has carousel:v1, as HOST:PORT."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("docker-registry is not here")
    folder, port = tmp_path_factory.mktemp("registry"), free_port()
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder, port=port))
    server = subprocess.Popen([program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_it_answers(port)
        push(f"127.0.0.1:{port}", "carousel", "v1")
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait(10)


def until_it_answers(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("docker-registry did not come up")


@pytest.mark.process
def test_an_image_that_was_pushed_is_there(registry: str) -> None:
    assert look_up(f"{registry}/carousel:v1", fetch).presence is Presence.THERE


@pytest.mark.process
@pytest.mark.parametrize("image", ["carousel:v2", "carusel:v1"])
def test_another_version_or_name_is_missing(registry: str, image: str) -> None:
    said = image_problem(f"{registry}/{image}", fetch, is_local=True)
    assert said == f"The registry {registry} has no image {registry}/{image}. Push it, or check the version."


Serve = Callable[[bytes], str]


class Once(socketserver.ThreadingTCPServer):
    """Sends what it was given to whoever connects, and then says no more."""

    daemon_threads = True
    allow_reuse_address = True
    answer = b""


class Talk(socketserver.BaseRequestHandler):
    """Reads the request and sends the answer; an empty one is silence."""

    def handle(self) -> None:
        assert isinstance(self.server, Once)
        self.request.settimeout(10)
        with contextlib.suppress(OSError):
            self.request.recv(65_536)
            self.request.sendall(self.server.answer)
            if not self.server.answer:
                self.request.recv(1)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(bytes)``: HOST:PORT of a server that answers any connection with them."""
    with contextlib.ExitStack() as stack:

        def start(answer: bytes) -> str:
            server = stack.enter_context(Once(("127.0.0.1", 0), Talk))
            server.answer = answer
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_address[1]}"

        yield start


def test_an_answer_has_its_headers_in_lower_case(serve: Serve) -> None:
    at = serve(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
    answer = fetch("HEAD", f"http://{at}/", {})
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Basic")


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    at = serve(b"HTTP/1.1 307 No\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert fetch("GET", f"http://{at}/", {}).status == 307


def test_only_the_beginning_of_a_long_answer_is_read(serve: Serve) -> None:
    at = serve(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10 * LARGEST)
    assert len(fetch("GET", f"http://{at}/", {}).body) == LARGEST


def test_a_registry_on_loopback_is_asked_without_a_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    at = serve(b"HTTP/1.1 200 OK\r\n\r\n")
    assert fetch("HEAD", f"http://{at}/", {}).status == 200


def test_a_silent_server_is_left_at_the_limit(serve: Serve) -> None:
    with pytest.raises(Unanswered, match=r"^it took longer than 0\.3 s$"):
        fetch("HEAD", f"http://{serve(b'')}/", {}, limit=0.3)


@pytest.mark.parametrize("wrapped", [lambda error: error, urllib.error.URLError])
def test_so_is_one_whose_own_limit_comes_first(
    wrapped: Callable[[Exception], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the two limits that run out at one moment; Python's errors for it have no words, or words of their own."""

    def time_out(*_: object, **__: object) -> None:
        raise wrapped(TimeoutError())

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", time_out)
    with pytest.raises(Unanswered, match=r"^it took longer than 5 s$"):
        fetch("HEAD", "http://127.0.0.1:1/", {}, limit=5)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 2", b"HTTP/1.1 abc OK\r\n\r\n"])
def test_nonsense_is_no_answer(serve: Serve, answer: bytes) -> None:
    with pytest.raises(Unanswered):
        fetch("HEAD", f"http://{serve(answer)}/", {}, limit=5)


def test_a_port_where_nothing_listens_refuses() -> None:
    with pytest.raises(Unanswered, match="Connection refused"):
        fetch("HEAD", f"http://127.0.0.1:{free_port()}/", {})


def test_a_server_without_tls_may_be_asked_in_plain_http(serve: Serve) -> None:
    with pytest.raises(Unanswered) as caught:
        fetch("HEAD", f"https://{serve(b'HTTP/1.0 400 Bad Request')}/", {})
    assert (caught.value.reason, caught.value.plain) == ("it speaks no TLS", True)


def test_a_name_that_nobody_knows_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> Answer:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unanswered, match="Name or service not known"):
        fetch("HEAD", "https://nowhere.example/", {})


def test_a_certificate_that_nobody_vouches_for_is_told() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener, context.wrap_socket(listener, server_side=True) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        with pytest.raises(Unanswered, match="its certificate is not trusted here") as caught:
            fetch("HEAD", f"https://127.0.0.1:{server.getsockname()[1]}/", {})
    assert not caught.value.plain


def _accept(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        server.accept()[0].close()


class Tokens(http.server.BaseHTTPRequestHandler):
    """A registry that tells only those who have fetched a token for reading this very repository."""

    def do_HEAD(self) -> None:
        if self.headers["Authorization"] == "Bearer abc":
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
        else:
            self.send_response(401)
            realm = f"http://{self.headers['Host']}/token"
            self.send_header("WWW-Authenticate", f'Bearer realm="{realm}",service="s",scope="repository:x:push"')
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/token?service=s&scope=repository%3Acarousel%3Apull" else 400)
        self.end_headers()
        self.wfile.write(b'{"token": "abc"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


def test_a_token_that_anybody_gets_opens_the_registry() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        found = look_up(f"127.0.0.1:{server.server_address[1]}/carousel:v1", fetch)
        server.shutdown()
    assert found.presence is Presence.THERE
