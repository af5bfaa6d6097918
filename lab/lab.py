#!/usr/bin/env python3
"""Machines to try Deployster on, all on one Linux machine: a real fleet cluster, or plain ones that ssh reaches.

They are containers. Each boots systemd and sshd from a Debian that is made once. They share a bridge in a network
namespace of their own, so nothing that happens there can be reached from outside, or reach out. fleet itself is not
part of this: bring its released fleetd and fleetctl. Standard library only, as root.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from place import Lab, add_options, chosen
from processes import LabError, call, noted, start, stop

DEBIAN = "bookworm"

# What the containers have of Debian; python3 and curl are for the services that are tried there.
INSIDE = "systemd,systemd-sysv,dbus,openssh-server,iproute2,procps,python3,curl,ca-certificates"

# Seconds for all machines to be in the cluster; a busy two-core machine took 15 for three.
BOOT_TIME = 120

# Program → Debian's package of it.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh-keygen": "openssh-client",
}


# ---- making it


def check(lab: Lab) -> None:
    """LabError for the first thing that is missing."""
    if os.geteuid() != 0:
        raise LabError("The lab makes containers and a network namespace: run it as root.")
    programs = PROGRAMS | dict(lab.engine.programs)
    missing = [package for program, package in programs.items() if not shutil.which(program)]
    if missing:
        raise LabError(f"These Debian packages are missing: apt-get install {' '.join(missing)}")
    lab.engine.check(lab)


def make_root(lab: Lab) -> None:
    """The Debian of the machines: made once, which takes a minute or two."""
    if (lab.root / "etc/made-for-the-lab").exists():
        return
    print("Making the Debian that the machines boot (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(lab.root, ignore_errors=True)
    lab.root.mkdir(parents=True)
    packages = ",".join(filter(None, (INSIDE, lab.engine.packages)))
    call(["debootstrap", "--variant=minbase", f"--include={packages}", DEBIAN, str(lab.root)], 1200)
    lab.engine.equip(lab)
    call(["chroot", str(lab.root), "systemctl", "enable", "ssh.service", "systemd-networkd.service"])
    (lab.root / "etc/hostname").unlink(missing_ok=True)
    (lab.root / "etc/made-for-the-lab").touch()


def make_network(lab: Lab) -> None:
    """The namespace with its bridge, and nothing that leads out of it."""
    if not Path("/run/netns", lab.namespace).exists():
        call(["ip", "netns", "add", lab.namespace])
        for line in (
            "link set lo up",
            "link add lab type bridge",
            f"addr add {lab.hub}/24 dev lab",
            "link set lab up",
        ):
            call(["ip", "-n", lab.namespace, *line.split()])


def machine_id(lab: Lab, number: int) -> str:
    """Who the machine is to fleet: the same one whenever it is booted."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"m{number}.{lab.namespace}").hex


def settings(lab: Lab, number: int) -> dict[str, str]:
    """Path in the machine → content, of all that makes it this machine."""
    address = lab.address(number)
    return lab.engine.settings(lab, number) | {
        "/etc/machine-id": f"{machine_id(lab, number)}\n",
        "/etc/systemd/network/80-container-host0.network": f"[Match]\nName=host0\n\n[Network]\nAddress={address}/24\n",
        "/etc/ssh/authorized_keys": lab.key.with_suffix(".pub").read_text(),
        "/etc/ssh/sshd_config.d/lab.conf": "AuthorizedKeysFile /etc/ssh/authorized_keys\n",
    }


def boot(lab: Lab, number: int) -> None:
    """One machine, with what its engine has it boot from."""
    folder = lab.folder(number)
    note = folder / "process.json"
    if noted(note):
        return
    with contextlib.suppress(LabError):  # the cable of one that was unplugged a moment ago
        call(["ip", "-n", lab.namespace, "link", "delete", f"vb-{lab.namespace}-{number}"])
    folder.mkdir(exist_ok=True)
    argv = ["systemd-nspawn", "--quiet", "--boot", *lab.engine.disk(lab, number)]
    argv += [f"--machine={lab.namespace}-{number}", f"--hostname=m{number}", "--network-bridge=lab"]
    argv += [f"--uuid={machine_id(lab, number)}"]
    argv += ["--register=no", "--keep-unit", "--console=pipe"]
    argv += [f"--bind-ro={file}:{path}" for path, file in written(folder, settings(lab, number))]
    start([*apart(f"{lab.namespace}-{number}"), *lab.inside(*argv)], folder / "console.log", note)


def apart(name: str, root: Path = Path("/sys/fs/cgroup")) -> list[str]:
    """The words before a command that put it into a control group of its own.

    Machines that share one share each unit's too, and a unit that is stopped on one kills the others' processes.
    """
    trees = [each for each in (root, root / "systemd", root / "unified") if (each / "cgroup.procs").exists()]
    for tree in trees:
        (tree / name).mkdir(exist_ok=True)
    enter = "".join(f"echo $$ >{shlex.quote(str(tree / name / 'cgroup.procs'))}; " for tree in trees)
    return ["sh", "-ec", f'{enter}exec "$@"', "sh"]


def written(folder: Path, contents: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """The files to lay over the machine's own, each with its path there."""
    for path, content in contents.items():
        file = folder / path.strip("/").replace("/", "_")
        file.write_text(content)
        yield path, file


def wait_for(lab: Lab, machines: int) -> None:
    """Until as many machines can be deployed to; LabError where it doesn't come to that."""
    until = time.monotonic() + BOOT_TIME
    while True:
        try:
            if lab.engine.answering(lab) >= machines:
                return
        except LabError as error:
            if time.monotonic() > until:
                raise LabError(f"The machines did not come up: {error} See {lab.home}/machine1/console.log.") from None
        if time.monotonic() > until:
            raise LabError(f"Not all machines came up in {BOOT_TIME} s: see {lab.home}/machine*/console.log.")
        time.sleep(lab.engine.pause)


# ---- the commands


def up(lab: Lab, machines: int) -> None:
    """Boot what is not up yet, wait until all can be deployed to, and say how to use it."""
    check(lab)
    lab.home.mkdir(parents=True, exist_ok=True)
    make_root(lab)
    if not lab.key.exists():
        call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.key)])
    make_network(lab)
    lab.engine.begin(lab, empty=True)
    for number in range(1, machines + 1):
        boot(lab, number)
    wait_for(lab, machines)
    print(f"{machines} machines are up. In their network: lab/run COMMAND, with")
    print("\n".join(f"  {line}" for line in lab.engine.told(lab)))


def down(lab: Lab) -> None:
    """Stop all of it. The Debian stays, so that the next ``up`` takes seconds."""
    for number in lab.machines():
        stop(lab.folder(number) / "process.json", hard=True)
    lab.engine.end(lab)
    for number in lab.machines():
        shutil.rmtree(lab.folder(number), ignore_errors=True)
    if Path("/run/netns", lab.namespace).exists():
        call(["ip", "netns", "delete", lab.namespace])


def run(lab: Lab, argv: Sequence[str]) -> int:
    """Become the command, in the lab's network; LabError where there is none."""
    if not Path("/run/netns", lab.namespace).exists():
        raise LabError("It is not up: lab/up boots it.")
    command = lab.inside("env", *(f"{name}={value}" for name, value in lab.engine.environ(lab).items()), *argv)
    os.execvp(command[0], command)  # noqa: S606 - the command is what it is for  # nosec B606


def unplug(lab: Lab, number: int) -> None:
    """Pull the plug of one machine; ``up`` boots it again."""
    if number not in lab.machines():
        raise LabError(f"No machine {number}.")
    stop(lab.folder(number) / "process.json", hard=True)


def wire(lab: Lab, number: int, *, plugged: bool) -> None:
    """A machine's network cable, in or out; the machine itself runs on."""
    if number not in lab.machines():
        raise LabError(f"No machine {number}.")
    state = "up" if plugged else "down"
    call(["ip", "-n", lab.namespace, "link", "set", "dev", f"vb-{lab.namespace}-{number}", state])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parse = argparse.ArgumentParser(prog="lab", description="Machines on this machine, to try things on.")
    add_options(parse)
    verbs = parse.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up").add_argument("machines", nargs="?", type=int, default=3)
    verbs.add_parser("down")
    for name in ("unplug", "cut", "join"):
        verbs.add_parser(name).add_argument("number", type=int)
    verbs.add_parser("run").add_argument("argv", nargs=argparse.REMAINDER)
    return parse


def main() -> int:
    """Run one command; its exit code."""
    given = parser().parse_args()
    lab = chosen(given)
    try:
        match given.verb:
            case "up":
                up(lab, given.machines)
            case "down":
                down(lab)
            case "unplug":
                unplug(lab, given.number)
            case "cut" | "join":
                wire(lab, given.number, plugged=given.verb == "join")
            case "run":
                return run(lab, given.argv or ["bash"])
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
