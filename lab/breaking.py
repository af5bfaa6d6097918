"""Breaking the lab, and mending it: machines, their network, etcd, and an endpoint that hangs."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess  # the lab starts daemons  # nosec B404
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from place import Lab
from processes import LabError, Missing, call, children, noted

from lab import boot, wait_for, wire

# Seconds for an ssh-agent to be there.
SSH_TIME = 10

# What stands before the endpoint where the endpoint has to hang; both are in Debian's systemd.
PROXY = ("systemd-socket-activate", "/lib/systemd/systemd-socket-proxyd")


def mend(lab: Lab, machines: int) -> None:
    """Everything as ``lab/up`` leaves it, whatever was broken."""
    lab.engine.begin(lab, empty=False)
    for number in range(1, machines + 1):
        if noted(lab.folder(number) / "process.json"):
            with contextlib.suppress(LabError):  # one that has just begun to boot has no cable yet
                wire(lab, number, plugged=True)
        else:
            boot(lab, number)
    wait_for(lab, machines)


def invocation(lab: Lab, unit: str) -> str:
    """Which run of a unit the machines' own systemd have: ``1 active 7f3a…``, its machine first; empty where none."""
    shown = ["systemctl", "show", "--value", "--property=ActiveState,InvocationID", unit]
    found = {number: call([*lab.within(number), *shown]).split() for number in lab.machines()}
    return ", ".join(f"{number} {' '.join(words)}" for number, words in found.items() if words[0] != "inactive")


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
