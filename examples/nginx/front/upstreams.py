#!/usr/bin/env python3
"""Keeps the upstreams of one nginx as etcd has them, and tells etcd what that nginx may send requests to.

Reads ``/nginx/wanted/SERVICE/*``, the addresses of the instances, writes ``upstreams.conf``, tests it, reloads nginx.
Writes ``/nginx/used/SERVICE/NAME``: what nginx's newest workers have, and what older ones had that still finish their
requests. An instance has started once it is in there, and stops once it no longer is.

While etcd is away, or has no word of a service, its upstream stays as it is. An upstream is never written without a
server: of a service whose last instance left, nginx keeps the last ones and answers 502, as it would without.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

Addresses = frozenset[str]
Upstreams = Mapping[str, Addresses]
Pids = frozenset[int]

NOBODY: Addresses = frozenset()
PLACEHOLDER = "127.0.0.1:1 down"
"""For a service that never had an instance: nginx answers 502 at once."""

LIFETIME = 60
"""Seconds until etcd forgets an nginx whose watcher says no more. Until then every start and stop waits for it."""

QUIET, DRAINING = 5.0, 0.2
"""Seconds from one look to the next, unless etcd tells of a change before: as a rule, and while old workers finish."""


NOT_FOUND = 404
FAULTS = (OSError, HTTPException, ValueError, KeyError)
"""etcd away, or an answer that is none of its."""


class Trouble(Exception):
    """What kept nginx as it was, in one sentence."""


def say(text: str) -> None:
    """One line for the journal."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def address(text: str) -> str:
    """``text`` where it is IP:PORT, or nothing: whatever somebody writes into etcd, it adds no line to nginx's file."""
    parts = re.fullmatch(r"(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]):([1-9][0-9]{0,4})", text)
    if not parts or int(parts[3]) >= 1 << 16:
        return ""
    try:
        ipaddress.IPv4Address(parts[1]) if parts[1] else ipaddress.IPv6Address(parts[2])
    except ValueError:
        return ""
    return text


@dataclass(frozen=True)
class Etcd:
    """The keys, through etcd's v2 API. One of FAULTS where it gives no answer that can be used."""

    url: str
    name: str

    def wanted(self) -> tuple[Upstreams, int]:
        """The instances' addresses, of the services that etcd has heard of; and the index to wait for changes from."""
        tree, index = self._ask("wanted?recursive=true")
        services = tree.get("node", {}).get("nodes", [])
        return {entry["key"].rpartition("/")[2]: _addresses(entry.get("nodes", [])) for entry in services}, index

    def used(self, service: str) -> Addresses:
        """What this nginx said last."""
        tree, _ = self._ask(f"used/{service}/{self.name}")
        return frozenset(tree.get("node", {}).get("value", "").split())

    def publish(self, service: str, addresses: Addresses) -> None:
        """Say what this nginx may send requests to."""
        form = {"value": f" {' '.join(sorted(addresses))} ", "ttl": LIFETIME}
        self._ask(f"used/{service}/{self.name}", method="PUT", data=urllib.parse.urlencode(form).encode())

    def wait(self, index: int, seconds: float) -> None:
        """Return when an instance came or went after ``index``, and ``seconds`` later at the latest."""
        began = time.monotonic()
        try:
            self._ask(f"wanted?wait=true&recursive=true&waitIndex={index + 1}", limit=seconds)
        except FAULTS:
            time.sleep(max(0.0, began + min(seconds, 1.0) - time.monotonic()))

    def _ask(self, key: str, limit: float = 5.0, method: str = "GET", data: bytes | None = None) -> tuple[Any, int]:
        """etcd's answer and its index; an empty one for a key that it lacks."""
        request = urllib.request.Request(f"{self.url}/v2/keys/nginx/{key}", data=data, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=limit) as answer:
                return json.load(answer), int(answer.headers.get("X-Etcd-Index", 0))
        except urllib.error.HTTPError as error:
            if error.code != NOT_FOUND:
                raise
            return {}, int(error.headers.get("X-Etcd-Index", 0))


def _addresses(entries: list[dict[str, Any]]) -> Addresses:
    values = [str(entry.get("value", "")) for entry in entries]
    for value in values:
        if not address(value):
            say(f"passed over in etcd, as it is no IP:PORT: {value!r}")
    return frozenset(value for value in values if address(value))


@dataclass
class Nginx:
    """One nginx. ``command`` starts it, ``pid_file`` has its master's pid, ``file`` is the one that it includes."""

    command: Sequence[str]
    pid_file: Path
    file: Path

    def written(self) -> Upstreams:
        """The upstreams in the file."""
        text = self.file.read_text() if self.file.exists() else ""
        blocks = re.findall(r"^upstream (\S+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        return {name: frozenset(re.findall(r"^ *server ([^ ;]+);", block, re.MULTILINE)) for name, block in blocks}

    def write(self, upstreams: Upstreams) -> None:
        """Put the upstreams into the file, whole or not at all."""
        text = "".join(_block(name, upstreams[name]) for name in sorted(upstreams))
        self._put("# Written by upstreams.py.\n" + text)

    def load(self, upstreams: Upstreams) -> Pids:
        """Write, test, reload; returns the workers that were there before, once new ones have taken over.

        Trouble where nginx refuses the file (then the old one is back), does not run, or does not reload.
        """
        before, old = self.workers(), self.file.read_text()
        self.write(upstreams)
        try:
            self._run("-t")
        except Trouble:
            self._put(old)
            raise
        if not before:
            raise Trouble("it does not run; once it does, it is reloaded")
        self._run("-s", "reload")
        for _ in range(100):
            if self.workers() - before:
                return before
            time.sleep(0.1)
        raise Trouble("nginx has no new workers 10 s after its reload: see its error log")

    def workers(self) -> Pids:
        """The living children of nginx's master; none where it does not run."""
        try:
            master = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return frozenset()
        return frozenset(pid for pid, parent in _processes() if parent == master)

    def _put(self, text: str) -> None:
        draft = self.file.with_suffix(".new")
        with draft.open("w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.file)

    def _run(self, *arguments: str) -> None:
        try:
            done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Trouble(str(error)) from error
        if done.returncode:
            raise Trouble(f"{shlex.join([*self.command, *arguments])}: {done.stderr.strip()}")


def _block(name: str, addresses: Addresses) -> str:
    servers = "".join(f"    server {each};\n" for each in sorted(addresses) or [PLACEHOLDER])
    return f"upstream {name} {{\n    zone {name} 128k;\n{servers}    keepalive 16;\n    keepalive_timeout 60s;\n}}\n"


def _processes() -> Iterator[tuple[int, int]]:
    """Each living process and its parent, from /proc; one that ends meanwhile is passed over."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in "ZX":
            yield int(stat.parent.name), int(parent)


class Watcher:
    """What nginx has loaded, and what its earlier workers may still use."""

    def __init__(self, etcd: Etcd, nginx: Nginx, services: Sequence[str]) -> None:
        self._etcd, self._nginx, self._services = etcd, nginx, services
        self._loaded: Upstreams = nginx.written()
        if not set(services) <= set(self._loaded):
            nginx.write({service: self._loaded.get(service, NOBODY) for service in services})
        self._earlier: list[tuple[Pids, Upstreams]] = []
        self._said: dict[str, tuple[Addresses, float]] = {}
        # Not yet: an earlier watcher may have been killed before its reload.
        self._sure = False

    def turn(self) -> None:
        """One look at etcd and all that follows from it, then wait for the next."""
        wanted, index = self._etcd.wanted()
        # Of a service without any instance, nginx keeps the last ones.
        target = {name: wanted.get(name) or self._loaded.get(name, NOBODY) for name in self._services}
        if not self._sure or target != self._loaded:
            self._load(target)
        workers = self._nginx.workers()
        self._earlier = [(pids & workers, used) for pids, used in self._earlier if pids & workers]
        for name in self._services:
            self._publish(name, NOBODY if wanted.get(name) == NOBODY else self._loaded[name])
        self._etcd.wait(index, DRAINING if self._earlier else QUIET)

    def _load(self, target: Upstreams) -> None:
        before = {name: self._maybe_used(name) for name in self._services}
        self._earlier.append((self._nginx.load(target), before))
        self._loaded, self._sure = target, True
        for name in self._services:
            say(f"{name}: {' '.join(sorted(target[name])) or 'no instance yet'}")

    def _maybe_used(self, name: str) -> Addresses:
        """What the workers of now may have: nginx may have been started, or reloaded late, with what the file says."""
        said = NOBODY if self._sure else self._etcd.used(name)
        return said.union(self._loaded.get(name, NOBODY), self._nginx.written().get(name, NOBODY))

    def _publish(self, name: str, newest: Addresses) -> None:
        used = newest.union(*(upstreams.get(name, NOBODY) for _, upstreams in self._earlier))
        said, at = self._said.get(name, (None, 0.0))
        if used != said or time.monotonic() - at > LIFETIME / 4:
            self._etcd.publish(name, used)
            self._said[name] = used, time.monotonic()


def main() -> None:
    """Watch until the end; what goes wrong is said, and tried again a second later."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("services", nargs="+", metavar="SERVICE", help="what this nginx has a proxy_pass for")
    parser.add_argument("--etcd", default="http://127.0.0.1:2379", metavar="URL")
    parser.add_argument(
        "--name", default=socket.gethostname(), help="of this nginx; no other has it (default: the host's)"
    )
    parser.add_argument("--nginx", default="nginx", metavar="COMMAND", help="as it was started, with its -p and -c")
    parser.add_argument("--pid", type=Path, default=Path("/run/nginx.pid"), metavar="FILE")
    parser.add_argument("--file", type=Path, default=Path("/etc/nginx/conf.d/upstreams.conf"))
    given = parser.parse_args()
    nginx = Nginx(shlex.split(given.nginx), given.pid, given.file)
    watcher = Watcher(Etcd(given.etcd.rstrip("/"), given.name), nginx, given.services)
    last = ""
    while True:
        try:
            watcher.turn()
            last = ""
        except (*FAULTS, Trouble) as error:
            if str(error) != last:
                say(f"nginx stays as it is: {error}")
            last = str(error)
            time.sleep(1.0)


if __name__ == "__main__":
    main()
