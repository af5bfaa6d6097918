"""A lab of machines with nothing but systemd and sshd, each with a disk of its own, for the ssh engine."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from processes import LabError, call

if TYPE_CHECKING:
    from place import Lab

# Where the engine has its unit files, and where its locks and notes.
FOLDER = "etc/systemd/system"
STATE = "var/lib/deployster"

# A login that becomes root by sudo, and one that may not.
ADMIN = "deploy"
GUEST = "guest"

HOST = """\
Host m{number}
  HostName {address}
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

# Stops units and takes away all that is on the machine of them; $1 is the folder.
GONE = """\
systemctl stop -- "$@"
cd /etc/systemd/system || exit
for n in "$@"; do rm -f -- "$n" ".$n.leaving" "multi-user.target.wants/$n"; done
systemctl daemon-reload
systemctl reset-failed -- "$@"
:
"""


class Plain:
    """engine.Engine over machines that ssh reaches."""

    home = "/var/lib/deployster-lab-ssh"
    namespace = "deployster-ssh"
    net = "10.77.0"
    programs: Mapping[str, str] = MappingProxyType({"ssh": "openssh-client"})
    packages = "sudo"
    pause = 0.2
    every = 0.1

    def check(self, lab: Lab) -> None:
        """Nothing more."""

    def equip(self, lab: Lab) -> None:
        """The two logins."""
        inside = ["chroot", str(lab.root)]
        for login in (ADMIN, GUEST):
            call([*inside, "useradd", "--create-home", "--shell=/bin/bash", login])
        (lab.root / "etc/sudoers.d/lab").write_text(f"{ADMIN} ALL=(ALL) NOPASSWD: ALL\n")

    def settings(self, _: Lab, __: int) -> dict[str, str]:
        """Nothing more."""
        return {}

    def disk(self, lab: Lab, number: int) -> Sequence[str]:
        """The Debian with what the machine has written over it: that stays when its power fails."""
        layers = {name: lab.folder(number) / name for name in ("upperdir", "workdir")}
        root = lab.folder(number) / "root"
        for folder in (*layers.values(), root):
            folder.mkdir(exist_ok=True)
        if not root.is_mount():
            laid = ",".join(f"{name}={folder}" for name, folder in layers.items())
            call(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lab.root},{laid}", str(root)])
        return (f"--directory={root}",)

    def begin(self, lab: Lab, *, empty: bool) -> None:  # noqa: ARG002 - the protocol's
        """Only a file: how ssh gets to machines."""
        hosts = "".join(HOST.format(number=number, address=lab.address(number)) for number in range(1, 10))
        config(lab).write_text(hosts + ALL.format(key=lab.key, known=lab.home / "known_hosts"))

    def end(self, lab: Lab) -> None:
        """The disks."""
        for number in lab.machines():
            if (lab.folder(number) / "root").is_mount():
                call(["umount", "--lazy", str(lab.folder(number) / "root")])
        (lab.home / "known_hosts").unlink(missing_ok=True)

    def answering(self, lab: Lab) -> int:
        """Those that ssh gets into, and that have come up."""
        up = 0
        for number in lab.machines():
            with contextlib.suppress(LabError):
                call(ssh(lab, number, "systemctl is-system-running | grep -qx 'running\\|degraded'"), 10)
                up += 1
        return up

    def told(self, lab: Lab) -> Sequence[str]:
        """How to get to them."""
        return (f"ssh -F {config(lab)} m1", *self.project(lab).strip().splitlines())

    def environ(self, _: Lab) -> dict[str, str]:
        """Nothing: the project's file says it all."""
        return {}

    def project(self, lab: Lab) -> str:
        """All machines, every second of them by sudo."""
        return project(lab, [f"{ADMIN}@m{number}" if number % 2 == 0 else f"m{number}" for number in lab.machines()])

    def registry(self, lab: Lab) -> list[str]:
        """The files on the machines' disks."""
        found = []
        for number in lab.machines():
            root = lab.folder(number) / "root"
            files = (file for file in (root / FOLDER).glob("*-*.service") if not file.is_symlink())
            found += [file.name for file in files]
            found += [f"deployster-lock-{file.stem}.service" for file in (root / STATE / "locks").glob("*.lock")]
        return found

    def running(self, lab: Lab) -> list[str]:
        """By the machines' own systemd."""
        argv = ["systemctl", "list-units", "--plain", "--no-legend", "--state=running", "*-*.service"]
        listed = [call([*lab.within(number), *argv]) for number in lab.machines()]
        return [line.split()[0] for text in listed for line in text.splitlines()]

    def stop(self, lab: Lab, names: Collection[str]) -> None:
        """By systemctl, where they are."""
        for number in lab.machines():
            mine = [name for name in names if (lab.folder(number) / "root" / FOLDER / name).exists()]
            if mine:
                call([*lab.within(number), "systemctl", "stop", *mine])

    def destroy(self, lab: Lab, names: Collection[str]) -> None:
        """Stopped, and all files of them taken away; locks too."""
        for number in lab.machines():
            call([*lab.within(number), "sh", "-c", GONE, "sh", *names])
            for name in names:
                lock = f"{name.removeprefix('deployster-lock-').removesuffix('.service')}.lock"
                (lab.folder(number) / "root" / STATE / "locks" / lock).unlink(missing_ok=True)

    def forget(self, lab: Lab, service: str) -> None:
        """What the machines keep of it."""
        for number in lab.machines():
            for note in (lab.folder(number) / "root" / STATE / "notes").glob(f"{service}.*"):
                note.unlink()


def config(lab: Lab) -> Path:
    """The ssh_config that leads to the machines from within their network."""
    return lab.home / "ssh_config"


def project(lab: Lab, machines: Sequence[str]) -> str:
    """The head of a deployster.toml that names these machines."""
    listed = ", ".join(f'"{one}"' for one in machines)
    return f'engine = "ssh"\n\n[ssh]\nmachines = [{listed}]\nconfig = "{config(lab)}"\n\n'


def ssh(lab: Lab, number: int, line: str) -> list[str]:
    """A shell line on a machine, by ssh."""
    options = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=3")
    return lab.inside("ssh", "-F", str(config(lab)), *options, f"m{number}", line)


def littered(lab: Lab) -> list[str]:
    """What is left half-written on the machines: drafts, and files of units that are on their way out."""
    found = []
    for number in lab.machines():
        root = lab.folder(number) / "root"
        left = [*(root / FOLDER).glob(".*"), *(root / STATE).glob(".*")]
        found += [f"{file.name} on machine {number}" for file in left]
    return found


@dataclass(frozen=True)
class Host:
    """Another host from which deploys are started: its network, its name and its processes are its own."""

    lab: Lab
    name: str

    @property
    def space(self) -> str:
        """Its network namespace."""
        return f"{self.lab.namespace}-{self.name}"

    @property
    def via(self) -> list[str]:
        """The words before a command that run it there."""
        apart = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        named = ["env", f"XDG_RUNTIME_DIR=/run/{self.space}", "sh", "-c", 'hostname "$0"; exec "$@"', self.name]
        return ["nsenter", f"--net=/run/netns/{self.space}", *apart, *named]

    def wire(self, *, plugged: bool) -> None:
        """Its network cable, in or out."""
        call(["ip", "-n", self.space, "link", "set", "dev", "host0", "up" if plugged else "down"])


@contextlib.contextmanager
def host(lab: Lab, name: str, number: int) -> Iterator[Host]:
    """Another host on the machines' network, while this lasts."""
    found = Host(lab, name)
    Path("/run", found.space).mkdir(mode=0o700, exist_ok=True)
    call(["ip", "netns", "add", found.space])
    try:
        inner = ["peer", "name", "host0", "netns", found.space]
        call(["ip", "-n", lab.namespace, "link", "add", f"lab{name}", "type", "veth", *inner])
        call(["ip", "-n", lab.namespace, "link", "set", f"lab{name}", "master", "lab", "up"])
        call(["ip", "-n", found.space, "addr", "add", f"{lab.net}.{number}/24", "dev", "host0"])
        found.wire(plugged=True)
        yield found
    finally:
        call(["ip", "netns", "delete", found.space])
        shutil.rmtree(Path("/run", found.space))
