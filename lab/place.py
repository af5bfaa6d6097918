"""Where a lab is and what runs units on it: its folder, namespace and addresses, and the options that choose them."""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from engine import Engine
from fleets import Fleet
from plain import Plain
from processes import LabError, children, noted

ENGINES: dict[str, Engine] = {"fleet": Fleet(), "ssh": Plain()}


@dataclass(frozen=True)
class Lab:
    """Where everything is: ``home`` on the disk, the namespace, and the first three numbers of the addresses."""

    home: Path
    namespace: str
    net: str
    engine: Engine
    fleet: Path | None = None

    @property
    def root(self) -> Path:
        """The Debian that every machine boots, never changed by any of them."""
        return self.home / "debian"

    @property
    def key(self) -> Path:
        """The ssh key that opens every machine."""
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

    def within(self, number: int) -> list[str]:
        """The words before a command that run it on a machine. LabError where it does not run."""
        return ["nsenter", f"--target={self.leader(number)}", "--all", "--"]

    def leader(self, number: int) -> int:
        """A machine's first process, as seen from here. LabError where it does not run."""
        found = children(noted(self.folder(number) / "process.json") or 0)
        if not found:
            raise LabError(f"Machine {number} does not run.")
        return found[0]

    def machines(self) -> list[int]:
        """The numbers of the machines that were booted."""
        return sorted(int(found.name.removeprefix("machine")) for found in self.home.glob("machine*"))


def add_options(parse: argparse.ArgumentParser) -> None:
    """The options that say which lab it is."""
    found, environ = shutil.which("fleetd"), os.environ
    parse.add_argument("--engine", choices=ENGINES, default=environ.get("DEPLOYSTER_LAB_ENGINE", "fleet"))
    parse.add_argument("--home", default=environ.get("DEPLOYSTER_LAB"), type=Path)
    parse.add_argument("--namespace", default=environ.get("DEPLOYSTER_LAB_NAME"))
    parse.add_argument("--net", default=environ.get("DEPLOYSTER_LAB_NET"))
    parse.add_argument(
        "--fleet",
        default=environ.get("FLEET_BIN") or (found and str(Path(found).parent)),
        help="folder of fleetd and fleetctl (default: FLEET_BIN, or where fleetd is on PATH)",
    )


def chosen(given: argparse.Namespace) -> Lab:
    """The lab that the options name."""
    engine = ENGINES[given.engine]
    fleet = Path(given.fleet).resolve() if given.fleet else None
    home = (given.home or Path(engine.home)).resolve()
    return Lab(home, given.namespace or engine.namespace, given.net or engine.net, engine, fleet)
