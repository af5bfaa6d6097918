"""Breaking the lab, and mending it: machines, their network, etcd, and an endpoint that hangs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess  # the lab starts daemons  # nosec B404
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from place import Lab
from processes import LabError, Missing, call, children, kill, noted, stop

from lab import boot, run_etcd, wait_for

# How often a call of fleetctl that fails is made again.
BUSY = 2

# What fleet keeps in etcd.
FLEET = "/_coreos.com/fleet"

# Seconds for an ssh-agent to be there.
SSH_TIME = 10

# What stands before the endpoint where the endpoint has to hang; both are in Debian's systemd.
PROXY = ("systemd-socket-activate", "/lib/systemd/systemd-socket-proxyd")


def unplug(lab: Lab, machine: int) -> None:
    """The machine is gone at once, as when its power fails."""
    stop(lab.folder(machine) / "process.json", hard=True)


def wire(lab: Lab, machine: int, *, plugged: bool) -> None:
    """A machine's network cable, in or out; the machine itself runs on."""
    state = "up" if plugged else "down"
    call(["ip", "-n", lab.namespace, "link", "set", "dev", f"vb-{lab.namespace}-{machine}", state])


def stop_etcd(lab: Lab) -> None:
    """etcd is killed; what it has on the disk stays."""
    kill(noted(lab.home / "etcd.json") or 0, signal.SIGKILL)
    (lab.home / "etcd.json").unlink(missing_ok=True)


def mend(lab: Lab, machines: int) -> None:
    """Everything as ``lab/up`` leaves it, whatever was broken."""
    if not noted(lab.home / "etcd.json"):
        run_etcd(lab)
    for number in range(1, machines + 1):
        if noted(lab.folder(number) / "process.json"):
            wire(lab, number, plugged=True)
        else:
            boot(lab, number)
    wait_for(lab, machines)


def fleetctl(lab: Lab, *words: str, limit: float = 20) -> str:
    """What fleetctl prints; LabError where it fails again and again: fleet may be too busy for one call."""
    argv = lab.inside(f"{lab.fleet}/fleetctl", f"--endpoint={lab.endpoint}", *words)
    for _ in range(BUSY):
        with contextlib.suppress(LabError):
            return call(argv, limit)
        time.sleep(1)
    return call(argv, limit)


def rows(lab: Lab, what: str, fields: str) -> list[list[str]]:
    """A listing's rows, each as the words of its fields."""
    return [line.split() for line in fleetctl(lab, what, "--full", "--no-legend", f"--fields={fields}").splitlines()]


def wipe(lab: Lab, chosen: Callable[[str], bool]) -> None:
    """etcd loses what fleet keeps of the units that are chosen by their names. fleet itself runs on."""
    names = filter(chosen, [row[0] for row in rows(lab, "list-unit-files", "unit")])
    drop(lab, [f"{FLEET}/{kind}/{name}" for name in names for kind in ("job", "state", "states")])


def forget(lab: Lab, service: str) -> None:
    """Have etcd drop the files of a service's former units: fleet keeps all that it ever had, and reads them all at
    every listing.
    """
    urls = [f"{etcd(lab)}{FLEET}/{kind}?recursive=true" for kind in ("unit", "job")]
    found = [json.loads(call(lab.inside("curl", "-s", url))).get("node", {}).get("nodes", []) for url in urls]
    objects = [node for job in found[1] for node in job.get("nodes", []) if node["key"].endswith("/object")]
    needed = {bytes(json.loads(node["value"])["UnitHash"]).hex() for node in objects}
    of_it = [node["key"] for node in found[0] if re.search(rf"\b{service}\b", node["value"])]
    drop(lab, [key for key in of_it if key.rpartition("/")[2] not in needed])


def etcd(lab: Lab) -> str:
    """Where etcd has its keys."""
    return f"http://{lab.hub}:2379/v2/keys"


def drop(lab: Lab, keys: Sequence[str]) -> None:
    """Take keys out of etcd, all in one call: what they are of may be over in 3 s."""
    if keys:
        call(lab.inside("curl", "-s", "-g", "-X", "DELETE", *(f"{etcd(lab)}{key}?recursive=true" for key in keys)))


def invocation(lab: Lab, unit: str) -> str:
    """Which run of a unit the machines' own systemd have: ``1 active 7f3a…``, its machine first; empty where none."""
    shown = ["systemctl", "show", "--value", "--property=ActiveState,InvocationID", unit]
    found = {number: call([*within(lab, number), *shown]).split() for number in lab.machines()}
    return ", ".join(f"{number} {' '.join(words)}" for number, words in found.items() if words[0] != "inactive")


def within(lab: Lab, machine: int) -> list[str]:
    """The words before a command that run it on a machine."""
    leader = children(noted(lab.folder(machine) / "process.json") or 0)[0]
    return ["nsenter", f"--target={leader}", "--all", "--"]


@contextlib.contextmanager
def helper(argv: Sequence[str], environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is there while the block runs."""
    quiet = subprocess.DEVNULL
    # an argv of ours, and no shell
    child = subprocess.Popen(argv, stdin=quiet, stdout=quiet, stderr=quiet, env=environ)  # nosec B603
    try:
        yield child
    finally:
        child.kill()
        child.wait()


@contextlib.contextmanager
def proxied(lab: Lab) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An endpoint of its own before the real one, and its process: stopped, it accepts and never answers."""
    missing = [program for program in PROXY if not shutil.which(program)]
    if missing:
        raise Missing(f"These programs are missing: {' '.join(missing)}")
    address = f"{lab.hub}:49199"
    argv = [PROXY[0], f"--listen={address}", PROXY[1], lab.endpoint.removeprefix("http://")]
    with helper(lab.inside(*argv)) as child:
        time.sleep(0.5)
        yield f"http://{address}", child


@contextlib.contextmanager
def agent(lab: Lab, folder: Path) -> Iterator[str]:
    """An ssh-agent that has the machines' key: its socket."""
    if not shutil.which("ssh-agent"):
        raise Missing("This program is missing: ssh-agent")
    socket = folder / "agent"
    socket.unlink(missing_ok=True)
    with helper(["ssh-agent", "-D", "-a", str(socket)]):
        until = time.monotonic() + SSH_TIME
        while not socket.exists() and time.monotonic() < until:
            time.sleep(0.1)
        call(["env", f"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", str(lab.key)])
        yield str(socket)


def daemon(lab: Lab, machine: int, name: str) -> int:
    """The process of that name on a machine. LabError where there is none."""
    left = [noted(lab.folder(machine) / "process.json") or 0]
    while left:
        pid = left.pop()
        if Path(f"/proc/{pid}/comm").read_text().strip() == name:
            return pid
        left += children(pid)
    raise LabError(f"No {name} runs on machine {machine}.")


def stopped(pid: int, seconds: float) -> None:
    """The process hangs for so long."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
