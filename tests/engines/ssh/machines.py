"""Machines that systemd runs and ssh reaches, as containers on a bridge in a network namespace of their own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.engines.local.machine import REPOSITORY, ROOT, Machine, booted, make

NET = "10.88.0"
HOST = """\
Host m{number}
  HostName {net}.1{number}
"""
ALL = """\
Host *
  User root
  IdentityFile {key}
  IdentitiesOnly yes
  UserKnownHostsFile {known}
  StrictHostKeyChecking accept-new
  LogLevel ERROR
"""


SERVICE = """
[services.carousel]
template = "process"
directory = "/"
command = "sleep 600"
instances = 3
"""


# One test run may have several sets of machines at once.
_SETS = itertools.count()


class Machines:
    """The machines m1, m2 and so on; ``config`` is the ssh_config that leads to them from within their network."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.each: list[Machine] = []
        self._mark = f"d{os.getpid() % 100000}{chr(ord('a') + next(_SETS))}"
        self.space = f"deployster-{self._mark}"

    def name(self, number: int) -> str:
        """The container of one machine: with what nspawn puts before it, a network device can be called so."""
        return f"{self._mark}{number}"

    def python(self, code: str, *, seconds: float = 90) -> str:
        """What Python prints that runs in the machines' network."""
        env = {"PATH": os.environ["PATH"], "HOME": "/root", "PYTHONPATH": f"{REPOSITORY}:{':'.join(sys.path)}"}
        argv = ["ip", "netns", "exec", self.space, sys.executable, "-B", "-c", code]
        done = subprocess.run(argv, env=env, cwd="/", check=False, capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def deployster(
        self, line: str, folder: Path, *, seconds: float = 120, enter: Sequence[str] = (), env: Mapping[str, str] = {}
    ) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of a command line in the machines' network, in a project's folder.

        ``enter`` is put before it, ``env`` is added to its environment.
        """
        with self.begun(line, folder, enter=enter, env=env) as run:
            out, err = run.communicate(timeout=seconds)
        return run.returncode, out, err

    @contextlib.contextmanager
    def begun(
        self, line: str, folder: Path, *, enter: Sequence[str] = (), env: Mapping[str, str] = {}
    ) -> Iterator[subprocess.Popen[str]]:
        """The same under way; it is killed where it has not ended by then."""
        path = f"{REPOSITORY}:{':'.join(sys.path)}"
        env = {"PATH": os.environ["PATH"], "HOME": "/root", "PYTHONPATH": path, **env}
        command = [sys.executable, "-B", "-m", "deployster_cli", *shlex.split(line)]
        argv = ["ip", "netns", "exec", self.space, *enter, *command]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            argv, env=env, cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        ) as run:
            over = threading.Timer(180, run.kill)  # nobody reads for ever what says nothing
            over.start()
            try:
                yield run
            finally:
                over.cancel()
                run.kill()

    def project(self, folder: Path, *, more: str = "", machines: str = '"m1", "m2", "m3"') -> None:
        """A deployster.toml for these machines, with ``more`` behind its [ssh]."""
        head = f'engine = "ssh"\n[ssh]\nconfig = "{self.config}"\nmachines = [{machines}]\n'
        (folder / "deployster.toml").write_text(f"{head}{more}\n{SERVICE}")

    def let_in_with_sudo(self, number: int, login: str, *, port: int) -> None:
        """Have a machine let in a login that is not root and may use sudo, at another port too."""
        machine = self.each[number - 1]
        if machine.tried("id", login).returncode:
            machine.run("useradd", "-m", "-s", "/bin/bash", "-G", "systemd-journal", login)
        machine.path(f"/etc/sudoers.d/{login}").write_text(f"{login} ALL=(ALL) NOPASSWD: ALL\n")
        machine.run("mkdir", "-p", "-m", "700", f"/home/{login}/.ssh")
        machine.path(f"/home/{login}/.ssh/authorized_keys").write_text(self.config.with_name("key.pub").read_text())
        machine.run("chown", "-R", f"{login}:", f"/home/{login}/.ssh")
        machine.path("/etc/ssh/sshd_config.d/port.conf").write_text(f"Port 22\nPort {port}\n")
        machine.run("systemctl", "restart", "ssh.service")

    @contextlib.contextmanager
    def cut_off(self, number: int) -> Iterator[None]:
        """While this lasts nothing reaches the machine, and nothing comes from it."""
        self._link(number, "down")
        try:
            yield
        finally:
            self._link(number, "up")

    def _link(self, number: int, state: str) -> None:
        _ip("-n", self.space, "link", "set", f"vb-{self.name(number)}", state)


@contextlib.contextmanager
def several(folder: Path, count: int = 3, options: Sequence[str] = ()) -> Iterator[Machines]:
    """Machines; what they say while they boot is kept in ``folder``. ``options`` are systemd-nspawn's."""
    make(Path(os.environ[ROOT]))
    if not Path(os.environ[ROOT], "usr/sbin/sshd").exists():
        pytest.skip(f"the Debian in {os.environ[ROOT]} has no sshd: remove it, and it is made anew")
    key, config = folder / "key", folder / "ssh_config"
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(argv, check=True, timeout=30)
    hosts = "".join(HOST.format(number=number, net=NET) for number in range(1, count + 1))
    config.write_text(hosts + ALL.format(key=key, known=folder / "known_hosts"))
    found = Machines(config)
    space = found.space
    _ip("netns", "add", space)
    with contextlib.ExitStack() as stack:
        stack.callback(_ip, "netns", "del", space)
        for words in ("link set lo up", "link add br0 type bridge", f"addr add {NET}.1/24 dev br0", "link set br0 up"):
            _ip("-n", space, *words.split())
        for number in range(1, count + 1):
            machine = stack.enter_context(booted(folder / f"m{number}", (space, "br0"), found.name(number), options))
            found.each.append(machine)
            _let_in(machine, number, key.with_suffix(".pub").read_text())
        yield found


def _let_in(machine: Machine, number: int, key: str) -> None:
    for words in (f"addr add {NET}.1{number}/24 dev host0", "link set host0 up"):
        argv = ["nsenter", "-t", str(machine.init), "-n", "ip", *words.split()]
        subprocess.run(argv, check=True, timeout=30)
    machine.path("/etc/machine-id").write_text(f"{number:032x}\n")
    machine.run("systemctl", "restart", "systemd-journald.service")  # whose files are below the machine's id
    machine.run("mkdir", "-p", "-m", "700", "/root/.ssh")
    machine.path("/root/.ssh/authorized_keys").write_text(key)
    machine.run("systemctl", "start", "ssh.service")


def _ip(*words: str) -> None:
    argv = ["ip", *words]
    subprocess.run(argv, check=True, timeout=30)
