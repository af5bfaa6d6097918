"""The server as a process: HTTPS, what keeps it from beginning, its log, a fleet that fails it, and its end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from deployster_cli.server.main import HARD_END
from tests.server.given import until
from tests.server.process_given import PASSWORD, Server, environment, refused, started

pytestmark = pytest.mark.process

AUTH = ("deployster", PASSWORD)
UNITS = "/v1/services/carousel/units"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server over ten units."""
    with started(tmp_path) as running:
        yield running


@pytest.fixture
def curl() -> str:
    """The program curl."""
    program = shutil.which("curl")
    if program is None:
        pytest.skip("the program curl is not installed")
    return program


@pytest.fixture
def pems(tmp_path: Path) -> Path:
    """A folder with ca.pem, cert.pem and key.pem for localhost."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(tmp_path / "cert.pem"), append=True)
    return tmp_path


ENDS_BY_ITSELF = """
import asyncio
from deployster_cli.__main__ import start
from deployster_cli.server import main
real = main.http_server
def ending(*given):
    server = real(*given)
    asyncio.get_running_loop().call_later(0.5, server.stop)
    return server
main.http_server = ending
start()
"""


def test_a_server_whose_http_ends_by_itself_ends_and_says_so(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", ENDS_BY_ITSELF, "serve"]
    done = subprocess.run(
        argv, cwd=tmp_path, env=environment(tmp_path, 0, {}), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, "the HTTP server ended by itself" in done.stderr) == (1, True)


def test_curl_reads_the_units_over_https(tmp_path: Path, pems: Path, curl: str) -> None:
    files = ("--cert", str(pems / "cert.pem"), "--key", str(pems / "key.pem"))
    with started(tmp_path, *files) as server:
        argv = [curl, "-sS", "--cacert", str(pems / "ca.pem"), "-u", f"deployster:{PASSWORD}", server.url + UNITS]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.startswith('{"units":[{"service":"carousel","instance":"1","version":"9f88701"')


def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    with started(tmp_path, "--listen", "[::1]:0") as server:
        assert httpx.get(server.url + "/healthz").status_code == 200


def test_without_a_host_it_listens_on_ipv4_and_ipv6(tmp_path: Path) -> None:
    with started(tmp_path, "--listen", ":0") as server:
        port = httpx.URL(server.url).port
        statuses = [httpx.get(f"http://{host}:{port}/healthz").status_code for host in ("127.0.0.1", "[::1]")]
    assert statuses == [200, 200]


def test_a_port_that_is_taken_exits_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refused(tmp_path, "--listen", listen) == (
            1,
            f"Error: {listen} can't be listened on: Address already in use.\nSee --listen.\n",
        )


def test_an_address_of_another_machine_exits_1(tmp_path: Path) -> None:
    code, err = refused(tmp_path, "--listen", "203.0.113.1:3000")
    assert (code, "203.0.113.1:3000 can't be listened on" in err) == (1, True)


@pytest.mark.parametrize("listen", ["3000", "localhost", "a b:1", "::1:3000", "localhost:99999", "localhost:-1"])
def test_what_is_no_address_exits_2(tmp_path: Path, listen: str) -> None:
    code, err = refused(tmp_path, f"--listen={listen}")
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cert", "cert.pem"), "--cert and --key go together"),
        (("--cert", "cert.pem", "--key", "nothing.pem"), "can't be read: No such file or directory."),
        (("--cert", "junk.pem", "--key", "key.pem"), "can't be used"),
        (("--cert", "ca.pem", "--key", "key.pem"), "can't be used: key values mismatch."),
        (("--cert", "cert.pem", "--key", "locked.pem"), "is encrypted"),
        (("--password", "x", "--password-file", "cert.pem"), "give one of --password and --password-file"),
        (("--password-file", "nothing"), "can't be read: No such file or directory."),
        (("--password-file", "."), "can't be read: Is a directory."),
        (("--password-file", "empty"), "must hold one line"),
        (("--password-file", "cert.pem"), "must hold one line"),
        (("--password-file", "binary"), "is no text"),
        (("--username", "a:b"), "must be a name without colons"),
    ],
)
def test_files_that_can_not_be_used_exit_2_with_a_sentence(pems: Path, options: tuple[str, ...], words: str) -> None:
    (pems / "junk.pem").write_text("junk")
    (pems / "empty").write_text("\n")
    (pems / "binary").write_bytes(b"\xff\xfe")
    (pems / "locked.pem").write_bytes(locked((pems / "key.pem").read_bytes()))
    code, err = refused(pems, *options, DEPLOYSTER_SERVE_PASSWORD="")
    assert (code, words in err, "Traceback" in err) == (2, True, False)


def test_a_state_folder_that_can_not_be_made_exits_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, err = refused(tmp_path, "--state", "file/below")
    assert (code, err.splitlines()[0]) == (1, f"Error: {tmp_path}/file/below can't be made: Not a directory.")


def test_the_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from the file\n")
    with started(tmp_path, "--password-file", "password") as server:
        assert httpx.get(server.url + UNITS, auth=("deployster", "from the file")).status_code == 200


def test_a_well_known_password_is_told_of_at_the_start(tmp_path: Path) -> None:
    with started(tmp_path, DEPLOYSTER_SERVE_PASSWORD="") as server:
        assert "well-known default: only this machine is let in" in server.log


def test_a_password_in_the_list_of_processes_is_told_of_at_the_start(tmp_path: Path) -> None:
    with started(tmp_path, "--password", "quite-a-long-password") as server:
        assert "--password shows in the list of processes" in server.log


def test_no_line_of_the_log_has_the_password_or_what_was_sent_for_it(server: Server) -> None:
    for auth in (AUTH, ("deployster", "hunter2")):
        httpx.get(f"{server.url}{UNITS}?password=hunter2", auth=auth)
    encoded = b64encode(f"deployster:{PASSWORD}".encode()).decode()
    assert not [secret for secret in (PASSWORD, "hunter2", encoded) if secret in server.log]


def test_the_warning_comes_at_the_start_and_does_not_tell_the_password(tmp_path: Path) -> None:
    secret = "sesame"  # noqa: S105 - no secret
    with started(tmp_path, DEPLOYSTER_SERVE_PASSWORD=secret) as server:
        until(lambda: "fewer than 12 characters" in server.log)
        assert secret not in server.log


def test_every_line_of_the_log_is_json(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as raw:
        raw.sendall(b"this is no HTTP\r\n\r\n")
        raw.recv(1000)
    httpx.get(server.url + UNITS, auth=AUTH)
    server.terminate()
    assert [line["message"] for line in server.lines][-1] == "stopped"


def test_any_number_of_reads_cost_one_pair_of_calls_a_second(server: Server) -> None:
    began = time.monotonic()
    with httpx.Client(base_url=server.url, auth=AUTH) as client:
        while time.monotonic() - began < 2.0:
            client.get(UNITS)
    assert server.calls <= 2 * 4


def test_a_fleet_that_accepts_and_never_answers_is_a_503_within_the_patience(server: Server) -> None:
    server.mode("hang")
    began = time.monotonic()
    answer = httpx.get(server.url + UNITS, auth=AUTH, timeout=20)
    assert (answer.status_code, time.monotonic() - began < 11.5) == (503, True)


def test_a_fleet_that_refuses_is_a_503_in_its_own_words(server: Server) -> None:
    server.mode("fail")
    answer = httpx.get(server.url + UNITS, auth=AUTH)
    assert (answer.status_code, "connection refused" in answer.json()["detail"]) == (503, True)


def test_a_fleet_that_comes_back_is_read_again(server: Server) -> None:
    server.mode("fail")
    httpx.get(server.url + UNITS, auth=AUTH)
    server.mode("")
    time.sleep(1.1)
    assert len(httpx.get(server.url + UNITS, auth=AUTH).json()["units"]) == 10


def test_sigterm_ends_it_with_0(server: Server) -> None:
    assert server.terminate()[0] == 0


def test_ctrl_c_ends_it_with_130(server: Server) -> None:
    assert server.terminate(signal.SIGINT)[0] == 130


def test_sigterm_ends_it_while_fleetctl_hangs(server: Server) -> None:
    server.mode("hang")
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as raw:
        raw.sendall(asked(UNITS))
        time.sleep(0.5)
        code, seconds = server.terminate()
    assert (code, seconds < HARD_END) == (0, True)


def test_a_fleetctl_that_hangs_ends_with_the_server(server: Server) -> None:
    server.mode("hang")
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as raw:
        raw.sendall(asked(UNITS))
        until((server.folder / "calls.hanging").exists)
        hanging = Path(f"/proc/{(server.folder / 'calls.hanging').read_text().strip()}")
        server.terminate()
    until(lambda: not hanging.exists())


def test_sigterm_ends_it_while_a_tls_handshake_stalls(tmp_path: Path, pems: Path) -> None:
    files = ("--cert", str(pems / "cert.pem"), "--key", str(pems / "key.pem"))
    with started(tmp_path, *files) as server, socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)):
        time.sleep(0.5)
        code, seconds = server.terminate()
    assert (code, seconds < HARD_END, "Traceback" in server.log) == (0, True, False)


def test_sigterm_ends_every_open_stream(server: Server) -> None:
    streams = [open_stream(server) for _ in range(200)]
    code, seconds = server.terminate()
    ends = [rest(stream) for stream in streams]
    assert (code, seconds < 5, {end.endswith(b"0\r\n\r\n") for end in ends}) == (0, True, {True})


def asked(path: str) -> bytes:
    """A request as bytes."""
    login = b64encode(f"deployster:{PASSWORD}".encode()).decode()
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n\r\n".encode()


def open_stream(server: Server) -> socket.socket:
    """A stream of the dashboard, its first bytes read."""
    stream = socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), timeout=10)
    stream.sendall(asked("/v1/events"))
    stream.recv(1000)
    return stream


def rest(stream: socket.socket) -> bytes:
    """What else comes, to its end."""
    with stream:
        parts = iter(lambda: stream.recv(65536), b"")
        return b"".join(parts)


def locked(pem: bytes) -> bytes:
    """The key, under a passphrase."""
    key = serialization.load_pem_private_key(pem, None)
    secret = serialization.BestAvailableEncryption(b"a passphrase")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
