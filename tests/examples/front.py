"""A front for examples/nginx's tests: a stand-in for etcd's v2 keys, and a real nginx with the example's watcher."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "nginx"
KEYS = "/v2/keys/"

# nginx's folders for what is too big for memory: below its own, as an ordinary user may run the tests.
TEMPORARY = " ".join(f"{name}_temp_path {name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

USED, WANTED = "nginx/used/web/edge1", "nginx/wanted/web"


class FakeEtcd(ThreadingHTTPServer):
    """etcd's v2 keys as far as the example uses them: get, put, delete by value, wait. No lifetime ends here."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Keys)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.values: dict[str, str] = {}
        self.index = 1
        self.looks = 0
        self.away = False
        self.changed = threading.Condition()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def put(self, key: str, value: str) -> None:
        """Write a key, as an instance does."""
        with self.changed:
            self.index += 1
            self.values[key] = value
            self.changed.notify_all()

    def drop(self, key: str) -> None:
        """Delete a key; its folders stay."""
        with self.changed:
            self.index += 1
            self.values.setdefault(f"{key.rpartition('/')[0]}/", "")
            self.values.pop(key, None)
            self.changed.notify_all()

    def tree(self, key: str) -> dict[str, Any] | None:
        """A key or folder with all below it, as etcd shows it; None where there is none."""
        if key in self.values:
            return {"key": f"/{key}", "value": self.values[key]}
        below = {name[len(key) + 1 :].partition("/")[0] for name in self.values if name.startswith(f"{key}/")}
        nodes = [self.tree(f"{key}/{name}") for name in sorted(below) if name]
        return {"key": f"/{key}", "dir": True, "nodes": nodes} if below else None


class _Keys(BaseHTTPRequestHandler):
    server: FakeEtcd

    def do_GET(self) -> None:
        key, query = self._asked()
        self.server.looks += 1
        if "wait" in query:
            with self.server.changed:
                self.server.changed.wait_for(lambda: self.server.index >= int(query["waitIndex"]), 30)
        self._answer(self.server.tree(key))

    def do_PUT(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        key = self._asked()[0]
        self.server.put(key, form["value"][0])
        self._answer(self.server.tree(key))

    def do_DELETE(self) -> None:
        key, query = self._asked()
        found = self.server.tree(key)
        if found and found["value"] == query["prevValue"]:
            self.server.drop(key)
        self._answer(found)

    def _asked(self) -> tuple[str, dict[str, str]]:
        path, _, query = self.path.partition("?")
        return path.removeprefix(KEYS), dict(urllib.parse.parse_qsl(query))

    def _answer(self, node: dict[str, Any] | None) -> None:
        status = 500 if self.server.away else 200 if node else 404
        body = json.dumps({"action": "get", "node": node}, separators=(",", ":")).encode() if status == 200 else b"{}"
        with contextlib.suppress(ConnectionError):  # whoever waited may have given up
            self.send_response(status)
            self.send_header("X-Etcd-Index", str(self.server.index))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Front:
    """nginx with the example's configuration in a folder of its own, and its watcher. It listens on loopback only."""

    folder: Path
    service: str
    etcd: str
    port: int

    @classmethod
    def made(cls, folder: Path, service: str, etcd: str) -> Front:
        """Its files. Nothing passes a request to a second instance: what fails is seen."""
        found = cls(folder, service, etcd, free_port())
        text = (EXAMPLE / "front" / "nginx.conf").read_text()
        for old, new in (
            ("http://web;", f"http://{service};"),
            ("listen 8080", f"listen 127.0.0.1:{found.port}"),
            ("proxy_next_upstream error timeout;", "proxy_next_upstream off;"),
            ("access_log off;", f"access_log off; {TEMPORARY}"),
        ):
            assert old in text
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        return found

    @property
    def file(self) -> Path:
        """What the watcher writes."""
        return self.folder / "upstreams.conf"

    @property
    def nginx(self) -> list[str]:
        """nginx's command."""
        return [str(shutil.which("nginx")), "-p", str(self.folder), "-c", "nginx.conf", "-e", "error.log"]

    def watch(self) -> subprocess.Popen[str]:
        """Start the watcher; it has written its first file when this returns."""
        argv = [sys.executable, str(EXAMPLE / "front" / "upstreams.py"), self.service, "--etcd", self.etcd]
        argv += ["--name", "edge1", "--nginx", " ".join(self.nginx), "--pid", str(self.folder / "nginx.pid")]
        with (self.folder / "watcher.log").open("a") as log:
            watcher = subprocess.Popen([*argv, "--file", str(self.file)], stderr=log, text=True)
        assert until(self.file.exists)
        return watcher

    def start(self) -> subprocess.Popen[str]:
        """Start nginx; it listens when this returns."""
        with (self.folder / "nginx.log").open("a") as log:
            master = subprocess.Popen([*self.nginx, "-g", "daemon off;"], stderr=log, text=True)
        assert until(lambda: self.get() != ""), (self.folder / "nginx.log").read_text()
        return master

    def get(self, path: str = "/") -> str:
        """A page through nginx, or the status that is not 200; empty where nothing listens."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.code)
        except OSError:
            return ""


def until(look: Callable[[], object], limit: float = 15.0) -> bool:
    """Whether ``look`` came true within ``limit`` seconds."""
    end = time.monotonic() + limit
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    """A TCP port of loopback that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
