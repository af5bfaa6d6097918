"""A machine that systemd runs, with a docker of its own and a registry: all of it gone afterwards.

The docker daemon runs outside of the container, in its network only, and listens on the machine's /run/docker.sock: so
nothing of it has to be installed there but the client, and its bridge and its ports are the machine's.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.engines.local import machine
from tests.engines.local.machine import Machine

BUSYBOX = "/bin/busybox"
PROGRAMS = {
    "dockerd": "Debian's docker.io",
    "docker": "Debian's docker.io",
    "docker-registry": "Debian's docker-registry",
    BUSYBOX: "Debian's busybox-static",
}
REGISTRY = "127.0.0.1:5000"


def missing() -> str:
    """Why there can be no docker here; empty where there can."""
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"{program} ({package}) is missing"
    return machine.missing()


@dataclass(frozen=True)
class Dock:
    """A machine's init and its docker: commands run in the machine, images are made outside."""

    machine: Machine
    socket: str

    def run(self, *argv: str) -> str:
        """What a command in the machine prints; it has to succeed."""
        return self.machine.run(*argv)

    def said(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """What a command in the machine ended with."""
        return self.machine.tried(*argv)

    def docker(self, *argv: str) -> str:
        """What the docker client says of this machine's daemon; it has to succeed."""
        return checked(*self._client, *argv)

    def tried_docker(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """What the docker client ended with."""
        return subprocess.run((*self._client, *argv), capture_output=True, check=False, text=True, timeout=20)

    def answers(self) -> bool:
        """Whether this machine's daemon does."""
        return self.tried_docker("info").returncode == 0

    @property
    def _client(self) -> tuple[str, ...]:
        return ("docker", "-H", f"unix://{self.socket}")

    def deployster(self, line: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A Deployster command line in the folder /srv/project of the machine."""
        site = "PYTHONPATH=/opt/site"
        given = (f"{name}={value}" for name, value in env.items())
        start = ("env", "-i", "-C", "/srv/project", "PATH=/usr/bin:/bin", "HOME=/root", site, *given)
        return self.said(*start, "python3", "-B", "-m", "deployster_cli", *line.split(), *more)

    def project(self, toml: str, **templates: str) -> None:
        """Make /srv/project anew with this deployster.toml and these templates."""
        folder = self.path("/srv/project")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "templates").mkdir(parents=True)
        (folder / "deployster.toml").write_text(f'engine = "local"\nregistry_url = "{REGISTRY}"\n{toml}')
        for name, text in templates.items():
            (folder / "templates" / f"{name}.service.j2").write_text(text)

    def path(self, path: str) -> Path:
        """A file of the machine as seen from here."""
        return Path(f"/proc/{self.machine.init}/root{path}")

    def image(self, name: str, root: bytes, command: str, *changes: str) -> None:
        """Make an image of a tar of its root, and push it to the registry."""
        made = ["--change", f"CMD {command}", *(word for change in changes for word in ("--change", change))]
        argv = (*self._client, "import", *made, "-", f"{REGISTRY}/{name}")
        subprocess.run(argv, input=root, check=True, capture_output=True, timeout=120)
        self.docker("push", f"{REGISTRY}/{name}")
        self.docker("rmi", f"{REGISTRY}/{name}")

    def free(self, service: str) -> None:
        """Take away whatever a test has left of a service, its tasks too. Not by destroy, which waits and looks."""
        units = self.path("/etc/systemd/system")
        ours = (f"{service}-", f"{service}.task-")
        files = [file for file in units.rglob(f"*{service}*@*") if file.name.lstrip(".").startswith(ours)]
        if files:
            self.said("sh", "-c", "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force")
            self.said("systemctl", "stop", f"{service}-*", f"{service}.task-*")
            for file in files:
                file.unlink(missing_ok=True)
            self.said("systemctl", "daemon-reload")
            self.said("systemctl", "reset-failed")


@contextlib.contextmanager
def docked(folder: Path) -> Iterator[Dock]:
    """A machine with a docker and a registry that answer."""
    with machine.booted(folder / "console") as booted:
        root = Path(f"/proc/{booted.init}/root")
        shutil.copy(shutil.which("docker", path="/usr/bin") or "docker", root / "usr/bin/docker")
        _install(root / "opt/site")
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        socket = f"/proc/{booted.init}/root/run/docker.sock"
        network = ("nsenter", f"--net=/proc/{booted.init}/ns/net")
        with (
            running([*network, *_dockerd(folder, socket)], folder / "dockerd.log"),
            running([*network, "docker-registry", "serve", registry(folder)], folder / "registry.log"),
        ):
            found = Dock(booted, socket)
            wait(found.answers, "dockerd")
            yield found


def _install(site: Path) -> None:
    """Deployster as setup.cfg would install it, and what it needs."""
    for package in ("deployster_cli", "click", "jinja2", "markupsafe"):
        found = importlib.util.find_spec(package)
        assert found, f"{package} is not installed"
        assert found.origin
        shutil.copytree(Path(found.origin).parent, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(machine.REPOSITORY / "templates", site / "deployster_cli/templates")


def _dockerd(folder: Path, socket: str) -> Sequence[str]:
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "dockerd.pid"}
    return ("dockerd", *(f"--{option}={folder / name}" for option, name in places.items()), f"--host=unix://{socket}")


def registry(folder: Path, at: str = REGISTRY) -> str:
    """The configuration of a registry that listens there."""
    config = folder / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder / 'registry'}}}}}\nhttp: {{addr: '{at}'}}\n"
    )
    return str(config)


@contextlib.contextmanager
def running(argv: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("w") as said:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)


def wait(done: Callable[[], object], what: str, limit: float = 30.0) -> None:
    """Until ``done`` says so; an assertion fails after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.1)


def checked(*argv: str) -> str:
    """What a command here prints; it has to succeed."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout.strip()


def root_with(*programs: str, files: dict[str, str] | None = None) -> bytes:
    """A tar of a root with busybox's commands, these programs with their libraries, and files by their path."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", dereference=True) as tar:
        for file in sorted({BUSYBOX, *programs}.union(*map(_libraries, programs))):
            tar.add(file, arcname=file.lstrip("/"))
        for command in checked(BUSYBOX, "--list").split():
            _link(tar, f"bin/{command}")
        for path, text in (files or {}).items():
            _file(tar, path.lstrip("/"), text.encode())
    return made.getvalue()


def _libraries(program: str) -> set[str]:
    argv = ("ldd", program)
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=20)
    return {word for word in done.stdout.split() if word.startswith("/") and word != program}


def _link(tar: tarfile.TarFile, path: str) -> None:
    if path != "bin/busybox":
        link = tarfile.TarInfo(path)
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)


def _file(tar: tarfile.TarFile, path: str, content: bytes) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), 0o755
    tar.addfile(entry, io.BytesIO(content))
