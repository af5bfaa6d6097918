"""Deploys and listings on plain machines, beside a shell script, Ansible and pyinfra that do the same over ssh.

The machines are the hosts of the ssh_config that SSH_CONFIG names; each gets one instance.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.effort import Effort, deployster, environment, sample
from bench.results import Comparison, Missing, Target, compared

CONFIG = "SSH_CONFIG"
_PAIRS = 10
_SCRIPT = Path(__file__).with_name("shortest_ssh.sh")
_UNIT = "[Service]\nExecStart=/bin/sh -c 'exec sleep 100000'\nRestart=always\n[Install]\nWantedBy=multi-user.target\n"
_DEPLOY = ("--destroy-previous", "--settle", "0s", "-q")
_SETTINGS = """\
engine = "ssh"
[ssh]
machines = [{machines}]
config = "{config}"
[services.bench]
template = "process"
directory = "/tmp"
command = "exec sleep 100000"
instances = {instances}
"""
_PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - copy: {src: "{{ unit }}", dest: "/etc/systemd/system/{{ new }}.service", mode: "0600"}
    - systemd: {name: "{{ new }}", enabled: true, state: started, daemon_reload: true}
- hosts: all
  gather_facts: false
  tasks:
    - systemd: {name: "{{ old }}", enabled: false, state: stopped}
    - file: {path: "/etc/systemd/system/{{ old }}.service", state: absent}
    - systemd: {daemon_reload: true}
"""
_ANSIBLE = """\
[defaults]
forks = 30
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = true
ssh_args = -F {config} -o ControlMaster=auto -o ControlPersist=60s
"""
_PYINFRA = """\
from pyinfra import host
from pyinfra.operations import files, systemd
new, old = host.data.new, host.data.old
files.put(src=host.data.unit, dest=f"/etc/systemd/system/{new}.service", mode="600")
systemd.service(f"{new}.service", running=True, enabled=True, daemon_reload=True)
systemd.service(f"{old}.service", running=False, enabled=False)
files.file(f"/etc/systemd/system/{old}.service", present=False)
systemd.daemon_reload()
"""
_LISTING = "for m in {machines}; do {ssh} $m systemctl show --all -p Id,ActiveState,SubState '*@*.service' & done; wait"


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines' names, the ssh_config that leads to them, and a folder for files."""

    names: tuple[str, ...]
    config: str
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        """An environment with no file of the user's in it."""
        return environment(HOME=str(self.folder), SSH=self.ssh, XDG_RUNTIME_DIR=str(self.folder))

    @property
    def ssh(self) -> str:
        """ssh to any of them, over a connection that stays open."""
        shared = f"-o ControlMaster=auto -o ControlPath={self.folder}/%C -o ControlPersist=60"
        return f"ssh -F {self.config} {shared}"

    def on_each(self, line: str) -> None:
        """Run a line of shell on each of them."""
        for name in self.names:
            sample((*self.ssh.split(), name, line), self.environ, self.folder)

    def ours(self, *words: str) -> float:
        """Seconds that a command of Deployster's takes."""
        return sample((*deployster(), *words), self.environ, self.folder).wall / 1000


def run(effort: Effort) -> Iterator[Comparison]:
    """A listing, then deploys, each version replacing the one before."""
    with machines() as found:
        shown = f"deploy {len(found.names)} instances on as many machines, --destroy-previous --settle 0s"
        ours = _deploys(found)
        rounds = effort.pairs(_PAIRS, ours, _script(found))
        yield compared(shown, "the shortest parallel shell script", "s", rounds, Target(1.2))
        for program, rival, most in (("ansible-playbook", _ansible, 0.25), ("pyinfra", _pyinfra, 0.5)):
            if shutil.which(program):
                rounds = effort.pairs(_PAIRS, ours, rival(found))
                yield compared(shown, f"{program}, its connections kept open", "s", rounds, Target(most))
        line = _LISTING.format(machines=" ".join(found.names), ssh=found.ssh)
        listing = ("/bin/sh", "-c", line)
        pairs = effort.pairs(
            2 * _PAIRS, lambda: found.ours("units"), lambda: sample(listing, found.environ, found.folder).wall / 1000
        )
        yield compared("units", "ssh … systemctl show on all machines at once", "s", pairs, Target(1.3))


@contextlib.contextmanager
def machines() -> Iterator[Machines]:
    """The machines; Missing where there are none. What this run put there is taken away."""
    config = os.environ.get(CONFIG, "")
    text = Path(config).read_text() if config else ""
    names = tuple(re.findall(r"^Host ([\w.-]+)$", text, re.MULTILINE))
    if not names:
        raise Missing(f"no machines ({CONFIG}: an ssh_config with a line Host for each)")
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as folder:  # sockets have short names  # nosec B108
        found = Machines(names, config, Path(folder))
        quoted = ", ".join(f'"{name}"' for name in names)
        settings = _SETTINGS.format(machines=quoted, config=config, instances=len(names))
        (found.folder / "deployster.toml").write_text(settings)
        (found.folder / "unit").write_text(_UNIT)
        try:
            yield found
        finally:
            found.on_each(
                "cd /etc/systemd/system && for u in bench-*.service; do [ -e $u ] || continue; "
                "systemctl disable -q --now $u; rm $u; done; systemctl daemon-reload; "
                "rm -f /var/lib/deployster/*/bench.*"
            )
            for name in names:
                sample((*found.ssh.split(), "-O", "exit", name), found.environ, found.folder)


def _deploys(found: Machines) -> Callable[[], float]:
    versions = count(1)
    return lambda: found.ours("deploy", "bench", f"v{next(versions)}", *_DEPLOY)


def _first(found: Machines, prefix: str) -> Iterator[int]:
    """The numbers of versions from 1 on, version 0 being in place."""
    for number, name in enumerate(found.names, 1):
        unit = f"{prefix}0@{number}" if prefix.endswith("script-v") else f"{prefix}0"
        line = f"printf %s {_shell(_UNIT)} >/etc/systemd/system/{unit}.service; systemctl enable -q --now {unit}"
        sample((*found.ssh.split(), name, line), found.environ, found.folder)
    return count(1)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _script(found: Machines) -> Callable[[], float]:
    versions = _first(found, "bench-script-v")

    def replace() -> float:
        number = next(versions)
        names = (f"bench-script-v{number}@", f"bench-script-v{number - 1}@")
        return _timed(found, ("/bin/sh", str(_SCRIPT), *names, str(found.folder / "unit"), *found.names))

    return replace


def _ansible(found: Machines) -> Callable[[], float]:
    versions = _first(found, "bench-ansible-v")
    playbook, settings = found.folder / "playbook.yml", found.folder / "ansible.cfg"
    playbook.write_text(_PLAYBOOK)
    settings.write_text(_ANSIBLE.format(config=found.config))

    def replace() -> float:
        number = next(versions)
        values = f"new=bench-ansible-v{number} old=bench-ansible-v{number - 1} unit={found.folder / 'unit'}"
        hosts = ",".join((*found.names, ""))
        more = {"ANSIBLE_CONFIG": str(settings), "LC_ALL": "C.UTF-8"}
        return _timed(found, ("ansible-playbook", "-i", hosts, "-e", values, str(playbook)), more)

    return replace


def _pyinfra(found: Machines) -> Callable[[], float]:
    versions = _first(found, "bench-pyinfra-v")
    operations, inventory = found.folder / "operations.py", found.folder / "inventory.py"
    operations.write_text(_PYINFRA)
    each = [(name, {"ssh_config_file": found.config}) for name in found.names]
    inventory.write_text(f"machines = {each!r}\n")

    def replace() -> float:
        number = next(versions)
        pairs = {
            "new": f"bench-pyinfra-v{number}",
            "old": f"bench-pyinfra-v{number - 1}",
            "unit": str(found.folder / "unit"),
        }
        data = (word for key, value in pairs.items() for word in ("--data", f"{key}={value}"))
        return _timed(found, ("pyinfra", "-y", *data, str(inventory), str(operations)))

    return replace


def _timed(found: Machines, argv: tuple[str, ...], more: Mapping[str, str] | None = None) -> float:
    return sample(argv, {**found.environ, **(more or {})}, found.folder).wall / 1000
