"""A lab whose machines are one fleet cluster, with etcd beside them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from processes import LabError, call, kill, noted, start, stop

if TYPE_CHECKING:
    from place import Lab

# How often a call of fleetctl that fails is made again.
BUSY = 2

# What fleet keeps in etcd.
KEYS = "/_coreos.com/fleet"

# Files beside this one that go into every machine.
UNITS = ("fleet.socket", "fleet.service")


class Fleet:
    """engine.Engine over fleet."""

    home = "/var/lib/deployster-lab"
    namespace = "deployster-lab"
    net = "10.78.0"
    programs: Mapping[str, str] = MappingProxyType({"etcd": "etcd-server"})
    packages = ""
    pause = 1.0
    every = 0.2

    def check(self, lab: Lab) -> None:
        """Its programs are the user's to bring."""
        for name in ("fleetd", "fleetctl"):
            if lab.fleet is None or not os.access(lab.fleet / name, os.X_OK):
                raise LabError(f"No {name} in {lab.fleet or 'PATH'}: name the folder of both with --fleet.")

    def equip(self, lab: Lab) -> None:
        """fleetd's units, and a user for ssh."""
        for name in UNITS:
            shutil.copy(Path(__file__).with_name(name), lab.root / "etc/systemd/system")
        inside = ["chroot", str(lab.root)]
        call([*inside, "useradd", "--create-home", "--shell=/bin/bash", "--groups=systemd-journal", "core"])
        call([*inside, "systemctl", "enable", *UNITS])
        (lab.root / "usr/bin/fleetctl").symlink_to("/opt/fleet/fleetctl")

    def settings(self, lab: Lab, number: int) -> dict[str, str]:
        """fleetd's, with metadata to place units by."""
        address = lab.address(number)
        zone = "z1" if number % 2 else "z2"
        return {
            "/etc/environment": f"COREOS_PRIVATE_IPV4={address}\n",
            "/etc/fleet/fleet.conf": f'etcd_servers=["http://{lab.hub}:2379"]\npublic_ip="{address}"\n'
            f'metadata="name=m{number},zone={zone}"\nagent_ttl="10s"\n',
        }

    def disk(self, lab: Lab, _: int) -> Sequence[str]:
        """The same Debian every time: what a machine writes is in memory and gone with it."""
        return (f"--directory={lab.root}", "--volatile=overlay", f"--bind-ro={lab.fleet}:/opt/fleet")

    def begin(self, lab: Lab, *, empty: bool) -> None:
        """etcd, which is where fleet keeps everything."""
        if noted(lab.home / "etcd.json"):
            return
        if empty:
            shutil.rmtree(lab.home / "etcd", ignore_errors=True)
        run_etcd(lab)

    def end(self, lab: Lab) -> None:
        """etcd, asked to end."""
        stop(lab.home / "etcd.json")

    def answering(self, lab: Lab) -> int:
        """Those that fleet lists."""
        argv = lab.inside(f"{lab.fleet}/fleetctl", f"--endpoint={lab.endpoint}", "list-machines", "--no-legend")
        return len(call(argv, 15).splitlines())

    def told(self, lab: Lab) -> Sequence[str]:
        """Where fleet's API is, and the key."""
        return (f"FLEETCTL_ENDPOINT={lab.endpoint}", f"ssh-add {lab.key}    # for logs and ssh, in an ssh-agent")

    def environ(self, lab: Lab) -> dict[str, str]:
        """fleetctl's."""
        path = os.pathsep.join(filter(None, [str(lab.fleet or ""), os.environ.get("PATH", "")]))
        return {"PATH": path, "FLEETCTL_ENDPOINT": lab.endpoint}

    def project(self, _: Lab) -> str:
        """Nothing: fleet is what Deployster takes where nothing is said."""
        return ""

    def registry(self, lab: Lab) -> list[str]:
        """fleet's own."""
        return [row[0] for row in rows(lab, "list-unit-files", "unit")]

    def running(self, lab: Lab) -> list[str]:
        """As fleet lists them, which may be late."""
        units = rows(lab, "list-units", "unit,active,sub")
        return [name for name, *states in units if states == ["active", "running"]]

    def stop(self, lab: Lab, names: Collection[str]) -> None:
        """By fleetctl."""
        fleetctl(lab, "stop", *names)

    def destroy(self, lab: Lab, names: Collection[str]) -> None:
        """By fleetctl."""
        fleetctl(lab, "destroy", *names)

    def forget(self, lab: Lab, service: str) -> None:
        """The record, and in etcd the files of former units: fleet keeps all that it ever had, and reads them all at
        every listing.
        """
        record = f"deployster-record-{service}.service"
        if record in self.registry(lab):
            fleetctl(lab, "destroy", record)
        urls = [f"{etcd(lab)}{KEYS}/{kind}?recursive=true" for kind in ("unit", "job")]
        found = [json.loads(call(lab.inside("curl", "-s", url))).get("node", {}).get("nodes", []) for url in urls]
        objects = [node for job in found[1] for node in job.get("nodes", []) if node["key"].endswith("/object")]
        needed = {bytes(json.loads(node["value"])["UnitHash"]).hex() for node in objects}
        of_it = [node["key"] for node in found[0] if re.search(rf"\b{service}\b", node["value"])]
        drop(lab, [key for key in of_it if key.rpartition("/")[2] not in needed])


def run_etcd(lab: Lab) -> None:
    """etcd with what it has on the disk. fleet speaks its version 2 API."""
    url = f"http://{lab.hub}:2379"
    options = [f"--data-dir={lab.home / 'etcd'}", "--enable-v2=true"]
    options += [
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=http://{lab.hub}:2380",
    ]
    start(lab.inside("etcd", *options), lab.home / "etcd.log", lab.home / "etcd.json")


def stop_etcd(lab: Lab) -> None:
    """etcd is killed; what it has on the disk stays."""
    kill(noted(lab.home / "etcd.json") or 0, signal.SIGKILL)
    (lab.home / "etcd.json").unlink(missing_ok=True)


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
    names = filter(chosen, lab.engine.registry(lab))
    drop(lab, [f"{KEYS}/{kind}/{name}" for name in names for kind in ("job", "state", "states")])


def etcd(lab: Lab) -> str:
    """Where etcd has its keys."""
    return f"http://{lab.hub}:2379/v2/keys"


def drop(lab: Lab, keys: Sequence[str]) -> None:
    """Take keys out of etcd, all in one call: what they are of may be over in 3 s."""
    if keys:
        call(lab.inside("curl", "-s", "-g", "-X", "DELETE", *(f"{etcd(lab)}{key}?recursive=true" for key in keys)))
