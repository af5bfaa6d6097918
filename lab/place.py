"""Where a lab is: its folder, its namespace, its addresses, and the options that choose them."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lab:
    """Where everything is: ``home`` on the disk, the namespace, and the first three numbers of the addresses."""

    home: Path
    namespace: str
    net: str
    fleet: Path | None = None

    @property
    def root(self) -> Path:
        """The Debian that every machine boots, never changed by any of them."""
        return self.home / "debian"

    @property
    def key(self) -> Path:
        """The ssh key that opens every machine, for the user core."""
        return self.home / "key"

    @property
    def endpoint(self) -> str:
        """fleet's API, on the first machine."""
        return f"http://{self.address(1)}:49153"

    @property
    def hub(self) -> str:
        """The bridge's own address, where etcd listens."""
        return f"{self.net}.1"

    def address(self, number: int) -> str:
        """A machine's address."""
        return f"{self.net}.{10 + number}"

    def folder(self, number: int) -> Path:
        """What belongs to one machine: its settings, its console, its process."""
        return self.home / f"machine{number}"

    def inside(self, *argv: str) -> list[str]:
        """A command line that runs in the lab's network."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *argv]

    def machines(self) -> list[int]:
        """The numbers of the machines that were booted."""
        return sorted(int(found.name.removeprefix("machine")) for found in self.home.glob("machine*"))


def add_options(parse: argparse.ArgumentParser) -> None:
    """The options that say which lab it is."""
    found = shutil.which("fleetd")
    parse.add_argument("--home", default=os.environ.get("DEPLOYSTER_LAB", "/var/lib/deployster-lab"), type=Path)
    parse.add_argument("--namespace", default=os.environ.get("DEPLOYSTER_LAB_NAME", "deployster-lab"))
    parse.add_argument("--net", default=os.environ.get("DEPLOYSTER_LAB_NET", "10.78.0"))
    parse.add_argument(
        "--fleet",
        default=os.environ.get("FLEET_BIN") or (found and str(Path(found).parent)),
        help="folder of fleetd and fleetctl (default: FLEET_BIN, or where fleetd is on PATH)",
    )


def chosen(given: argparse.Namespace) -> Lab:
    """The lab that the options name."""
    fleet = Path(given.fleet).resolve() if given.fleet else None
    return Lab(given.home.resolve(), given.namespace, given.net, fleet)
