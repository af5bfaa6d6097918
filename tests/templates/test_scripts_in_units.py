"""The scripts in the built-in units do what they are there for: run with a real shell, against a real HTTP server."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployster_cli.domain.health import Answer, answer
from deployster_cli.domain.units.model import Service
from tests.templates.cases import NAME, rendered

pytestmark = pytest.mark.process

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")

DOCKER = """#!/bin/sh
[ "$*" = "port carousel--9f88701-1 3000" ] && [ "$TEST_PORT" ] || exit 1
echo 0.0.0.0:$TEST_PORT; echo [::]:1
"""
ETCDCTL = '#!/bin/sh\necho "$*" > "$TEST_ETCD"\n'


class Answers(BaseHTTPRequestHandler):
    """Answers a path such as /503 with that status; 302 leads to /200."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:4]))
        if self.path[1] == "3":
            self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def main() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the service's own."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of the programs that a small machine has: no curl."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("sh", "seq", "sleep", "grep", "sed"):
        (folder / program).symlink_to(shutil.which(program) or "/nonexistent")
    (folder / "python3").symlink_to(sys.executable)
    return folder


def script(service: Service, port: int | None = None, which: int = 0) -> list[str]:
    """The argv of the unit's ExecStartPost, as systemd makes it."""
    unit = rendered(service._replace(extra={"health_tries": "1"} if service.health else {}))
    line = unit.values("Service", "ExecStartPost")[which]
    words = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]
    return [word.replace("20001", str(port)) for word in words]


def ran(argv: list[str], main: subprocess.Popen[bytes], **env: str) -> subprocess.CompletedProcess[str]:
    """How the script ended; a service that it ended has been waited for."""
    variables = {"PATH": os.environ["PATH"], "MAINPID": str(main.pid)} | env
    return subprocess.run(argv, env=variables, capture_output=True, check=False, timeout=60, text=True)


def run(argv: list[str], main: subprocess.Popen[bytes], **env: str) -> int:
    """The script's exit code."""
    return ran(argv, main, **env).returncode


def process(health: str) -> Service:
    return Service("carousel", template="process", command="bin/serve", health=health)


@needs_curl
@pytest.mark.parametrize(("path", "code"), [("/200", 0), ("/204?a=1&b='x'", 0), ("/302", 1), ("/404", 1), ("/503", 1)])
def test_only_a_2xx_is_healthy(port: int, main: subprocess.Popen[bytes], path: str, code: int) -> None:
    assert run(script(process(path), port), main) == code


@pytest.mark.parametrize(("path", "code"), [("/200", 0), ("/204?a=1&b='x'", 0), ("/302", 1), ("/404", 1), ("/503", 1)])
def test_a_machine_without_curl_asks_with_python(
    port: int, main: subprocess.Popen[bytes], tools: Path, path: str, code: int
) -> None:
    assert run(script(process(path), port), main, PATH=str(tools)) == code


@needs_curl
def test_the_machines_proxy_is_not_asked(port: int, main: subprocess.Popen[bytes]) -> None:
    assert run(script(process("/200"), port), main, http_proxy="http://127.0.0.1:1/") == 0


def test_ending_a_service_that_never_gets_healthy_is_left_to_systemd(port: int, main: subprocess.Popen[bytes]) -> None:
    run(script(process("/503"), port), main)
    assert main.poll() is None


def test_the_wait_ends_with_the_service(port: int, main: subprocess.Popen[bytes]) -> None:
    main.kill()
    main.wait()
    argv = [word.replace("seq 1", "seq 1000") for word in script(process("/503"), port)]
    assert run(argv, main) == 1


HINT = "on 127.0.0.1, and another address has that port: have the service listen on 127.0.0.1 or 0.0.0.0"


def told(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """What the gate waits for, and why it failed, as a person hears it."""
    lines = done.stderr.splitlines()
    first, last = answer(lines[:-1]), answer(lines)
    assert (done.returncode, first is not None, last is not None and last.over) == (1, True, True), done
    assert first is not None
    assert last is not None
    return first.waits, last.told


@pytest.fixture(params=[pytest.param("curl", marks=needs_curl), "python3"])
def path(request: pytest.FixtureRequest, tools: Path) -> str:
    """A PATH with that program to ask with."""
    return os.environ["PATH"] if request.param == "curl" else str(tools)


@contextlib.contextmanager
def listening(address: str, *, answers: bytes | None) -> Iterator[int]:
    """The port of a server that takes connections, and closes them after a word (None: never says one)."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        server.bind((address, 0))
        server.listen()
        held: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    if answers is not None:
                        held[-1].recv(1000)
                        held.pop().close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in held:
            one.close()


@pytest.mark.parametrize(
    ("asked", "got"), [("/404", "404"), ("/503", "503"), ("/302", "302 to http://127.0.0.1:{port}/200")]
)
def test_what_was_answered_is_said(port: int, main: subprocess.Popen[bytes], path: str, asked: str, got: str) -> None:
    got = got.format(port=port)
    if path != os.environ["PATH"]:
        got = got.replace(f"http://127.0.0.1:{port}", "")  # Python tells it as it was sent
    found = told(ran(script(process(asked), port), main, PATH=path))
    assert found == (f"waiting for {asked}: {got}", f"{asked} answered {got} (1 time)")


def test_that_nothing_listens_is_said(main: subprocess.Popen[bytes], path: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = told(ran(script(process("/up"), unused.getsockname()[1]), main, PATH=path))
    assert found == ("waiting for /up: refused", "/up: refused (1 time)")


@pytest.mark.parametrize("address", ["::1", "127.0.0.2"])
def test_that_another_address_has_the_port_is_said(main: subprocess.Popen[bytes], path: str, address: str) -> None:
    with listening(address, answers=b"") as port:
        found = told(ran(script(process("/up"), port), main, PATH=path))
    assert found == (f"waiting for /up: refused {HINT}", f"/up: refused {HINT} (1 time)")


def test_that_no_answer_came_is_said(main: subprocess.Popen[bytes], path: str) -> None:
    with listening("127.0.0.1", answers=None) as port:
        found = told(ran(script(process("/up"), port), main, PATH=path))
    assert found == ("waiting for /up: no answer within 5 s", "/up: no answer within 5 s (1 time)")


def test_that_the_connection_was_closed_is_said(main: subprocess.Popen[bytes], path: str) -> None:
    with listening("127.0.0.1", answers=b"") as port:
        assert told(ran(script(process("/up"), port), main, PATH=path))[1] == (
            "/up: connection closed without an answer (1 time)"
        )


def test_only_a_new_answer_is_written_down_and_every_tenth(port: int, main: subprocess.Popen[bytes], path: str) -> None:
    argv = [word.replace("seq 1", "seq 12").replace("sleep 1", ":") for word in script(process("/404"), port)]
    lines = ran(argv, main, PATH=path).stderr.splitlines()
    assert [answer([line]) for line in lines] == [*[Answer("/404", "404")] * 2, Answer("/404", "404", 12, over=True)]


def test_that_the_service_ended_meanwhile_is_no_verdict_on_its_health(
    port: int, main: subprocess.Popen[bytes], path: str
) -> None:
    main.kill()
    main.wait()
    found = answer(ran(script(process("/503"), port), main, PATH=path).stderr.splitlines())
    assert found == Answer("/503", "503", 1, over=False)


@needs_curl
@pytest.mark.parametrize("rc", ["ipv6", "location", "fail-with-body\nuser-agent = x", "nonsense"])
def test_a_curlrc_changes_nothing(port: int, main: subprocess.Popen[bytes], tmp_path: Path, rc: str) -> None:
    (tmp_path / ".curlrc").write_text(f"{rc}\n")
    codes = [run(script(process(path), port), main, HOME=str(tmp_path)) for path in ("/200", "/302")]
    assert codes == [0, 1]


@pytest.fixture
def docker(tools: Path) -> Path:
    """The same folder with a docker that publishes one container, and an etcdctl that writes down what it is told."""
    for program, text in (("docker", DOCKER), ("etcdctl", ETCDCTL)):
        (tools / program).write_text(text)
        (tools / program).chmod(0o755)
    (tools / "curl").symlink_to(shutil.which("curl") or "/nonexistent")
    return tools


@needs_curl
@pytest.mark.parametrize(("path", "code"), [("/200", 0), ("/503", 1)])
def test_a_container_is_asked_on_the_port_that_docker_picked(
    port: int, main: subprocess.Popen[bytes], docker: Path, path: str, code: int
) -> None:
    argv = script(Service("carousel", health=path))
    assert run(argv, main, PATH=str(docker), TEST_PORT=str(port)) == code


@pytest.mark.parametrize("program", ["curl", "python3"])
def test_a_container_without_a_port_is_not_asked_for_on_port_80(
    main: subprocess.Popen[bytes], docker: Path, tmp_path: Path, program: str
) -> None:
    if program == "python3":
        (docker / "curl").unlink()
    (docker / program).unlink()
    (docker / program).write_text(f"#!/bin/sh\necho > {tmp_path}/asked; echo 200\n")
    (docker / program).chmod(0o755)
    run(script(Service("carousel", health="/200")), main, PATH=str(docker), TEST_PORT="")
    assert not (tmp_path / "asked").exists()


def registered(docker: Path, main: subprocess.Popen[bytes], tmp_path: Path, **env: str) -> str:
    """What etcdctl was told to set."""
    argv = script(Service("carousel", template="docker-vulcand", health="/200"), which=1)
    argv = [word.replace("/usr/bin/etcdctl", str(docker / "etcdctl")) for word in argv]
    told = tmp_path / "told"
    run(argv, main, PATH=str(docker), TEST_ETCD=str(told), **env)
    return told.read_text() if told.exists() else ""


def test_vulcand_is_told_the_machines_address_and_the_published_port(
    docker: Path, main: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    told = registered(docker, main, tmp_path, TEST_PORT="32768", COREOS_PRIVATE_IPV4="10.0.0.1")
    assert told == f"set /vulcand/upstreams/carousel/endpoints/{NAME.container} http://10.0.0.1:32768\n"


@pytest.mark.parametrize("env", [{"TEST_PORT": "32768"}, {"TEST_PORT": "", "COREOS_PRIVATE_IPV4": "10.0.0.1"}])
def test_vulcand_is_told_nothing_that_leads_nowhere(
    docker: Path, main: subprocess.Popen[bytes], tmp_path: Path, env: dict[str, str]
) -> None:
    assert registered(docker, main, tmp_path, **env) == ""


def test_vulcand_forgets_the_endpoint_before_the_container_stops() -> None:
    stops = rendered(Service("carousel", template="docker-vulcand")).values("Service", "ExecStop")
    assert [line.split()[0] for line in stops] == ["-/usr/bin/etcdctl", "-/usr/bin/docker"]


def test_vulcand_forgets_the_endpoint_of_a_container_that_died() -> None:
    after = rendered(Service("carousel", template="docker-vulcand")).values("Service", "ExecStopPost")
    assert after[0].startswith("-/usr/bin/etcdctl rm /vulcand/upstreams/carousel/endpoints/carousel--9f88701-1")
