"""examples/nginx/front/upstreams.py, beside a real nginx and a stand-in for etcd: it never breaks nginx."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.examples.front import EXAMPLE, USED, WANTED, FakeEtcd, Front, until


def module(path: Path) -> Any:
    """One of the example's programs."""
    spec = importlib.util.spec_from_file_location(f"example_nginx_{path.stem}", path)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


upstreams = module(EXAMPLE / "front" / "upstreams.py")


class Backend(ThreadingHTTPServer):
    """An instance that says its name; ``/held`` is answered when ``release`` is set."""

    daemon_threads = True

    def __init__(self, says: str) -> None:
        super().__init__(("127.0.0.1", 0), _Backend)
        self.says = says
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.reached, self.release = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _Backend(BaseHTTPRequestHandler):
    server: Backend

    def do_GET(self) -> None:
        if self.path == "/held":
            self.server.reached.set()
            self.server.release.wait(20)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.says.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def backends() -> Iterator[Callable[[str], Backend]]:
    """Makes instances that answer."""
    made: list[Backend] = []

    def make(says: str) -> Backend:
        made.append(Backend(says))
        return made[-1]

    yield make
    for backend in made:
        backend.release.set()
        backend.shutdown()
        backend.server_close()


def used(etcd: FakeEtcd) -> list[str]:
    """What nginx says that it may send requests to."""
    return etcd.values.get(USED, "").split()


@pytest.fixture
def joined(front: Front, etcd: FakeEtcd, backends: Callable[[str], Backend]) -> Callable[[str], Backend]:
    """Makes an instance and waits until nginx has it and no worker from before takes requests."""

    def make(name: str) -> Backend:
        backend = backends(name)
        etcd.put(f"{WANTED}/{name}", backend.address)
        assert until(lambda: backend.address in used(etcd))
        assert until(lambda: front.get() == name)
        return backend

    return make


@pytest.mark.process
def test_before_the_first_instance_nginx_answers_502(front: Front) -> None:
    assert front.get() == "502"


@pytest.mark.process
def test_an_instance_that_nginx_says_it_uses_is_asked(front: Front, joined: Callable[[str], Backend]) -> None:
    joined("one")
    assert front.get() == "one"


@pytest.mark.process
def test_an_instance_that_nginx_no_longer_uses_is_not_asked(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    one, _ = joined("one"), joined("two")
    etcd.drop(f"{WANTED}/one")
    assert until(lambda: one.address not in used(etcd))
    assert {front.get() for _ in range(10)} == {"two"}


@pytest.mark.process
def test_an_instance_is_in_use_until_its_last_request_is_answered(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    one = joined("one")
    threading.Thread(target=front.get, args=("/held",), daemon=True).start()
    assert one.reached.wait(10)
    two = joined("two")
    etcd.drop(f"{WANTED}/one")
    assert until(lambda: one.address not in front.file.read_text())
    assert not until(lambda: sorted(used(etcd)) != sorted([one.address, two.address]), limit=2)
    one.release.set()
    assert until(lambda: used(etcd) == [two.address])


@pytest.mark.process
def test_when_the_last_instance_leaves_the_file_keeps_it_and_nobody_waits(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    one = joined("one")
    etcd.drop(f"{WANTED}/one")
    assert until(lambda: used(etcd) == [])
    assert one.address in front.file.read_text()


@pytest.mark.process
def test_etcd_away_changes_nothing_and_etcd_back_counts_again(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    joined("one")
    etcd.away = True
    etcd.values.clear()
    etcd.put(f"{WANTED}/two", "127.0.0.1:9")
    assert until(lambda: "nginx stays as it is" in (front.folder / "watcher.log").read_text())
    assert front.get() == "one"
    etcd.away = False
    assert until(lambda: "127.0.0.1:9;" in front.file.read_text())


@pytest.mark.process
def test_an_etcd_that_lost_its_keys_changes_nothing(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    one = joined("one")
    etcd.values.clear()
    looks = etcd.looks
    etcd.put("something/else", "")
    assert until(lambda: etcd.looks > looks + 2)
    assert (one.address in front.file.read_text(), front.get()) == (True, "one")


@pytest.mark.process
def test_a_file_that_nginx_refuses_is_taken_back_and_not_said_to_be_in_use(
    front: Front, etcd: FakeEtcd, joined: Callable[[str], Backend]
) -> None:
    one = joined("one")
    before = front.file.read_text()
    (front.folder / "nginx.conf").write_text("no such directive;")
    etcd.put(f"{WANTED}/two", "127.0.0.1:9")
    assert until(lambda: 'unknown directive "no"' in (front.folder / "watcher.log").read_text())
    assert (until(lambda: front.file.read_text() == before), used(etcd)) == (True, [one.address])


@pytest.mark.process
def test_a_watcher_that_was_killed_goes_on_where_it_stopped(
    front: Front, etcd: FakeEtcd, tmp_path: Path, joined: Callable[[str], Backend]
) -> None:
    one = joined("one")
    front.file.write_text(front.file.read_text().replace(one.address, "127.0.0.1:9"))
    with front.watch() as second:
        assert until(lambda: one.address in front.file.read_text())
        assert until(lambda: front.get() == "one")
        second.terminate()


@pytest.mark.parametrize("text", ["10.0.0.1:80", "[fd00::1]:65535"])
def test_an_address_is_an_ip_and_a_port(text: str) -> None:
    assert upstreams.address(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "web:80", "10.0.0.1:80;}", "1.1.1.1:1\n", "[::1%;}]:80", "::1:80"],
)
def test_anything_else_is_no_address(text: str) -> None:
    assert upstreams.address(text) == ""


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    nginx = upstreams.Nginx((), tmp_path / "pid", tmp_path / "upstreams.conf")
    given = {"web": frozenset({"10.0.0.1:80", "[fd00::1]:81"}), "api": frozenset()}
    nginx.write(given)
    assert nginx.written() == given
