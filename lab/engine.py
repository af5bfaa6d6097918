"""What differs between a lab of fleet and one of machines that ssh reaches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from place import Lab


class Engine(Protocol):
    """What a lab's machines are to Deployster, and how to look at them and clear them without it."""

    # Where a lab of this kind is, unless something else is asked for: its folder, its namespace, and its network.
    home: str
    namespace: str
    net: str
    # Program → Debian's package of it.
    programs: Mapping[str, str]
    # Debian's packages that the machines have beside those of every lab.
    packages: str
    # Seconds between two looks at whether it has come to rest, and at what serves.
    pause: float
    every: float

    def check(self, lab: Lab) -> None:
        """LabError where something of its own is missing."""

    def equip(self, lab: Lab) -> None:
        """Put into the machines' Debian what is the same on all of them."""

    def settings(self, lab: Lab, number: int) -> dict[str, str]:
        """Path in a machine → content."""

    def disk(self, lab: Lab, number: int) -> Sequence[str]:
        """systemd-nspawn's options for what a machine boots from."""

    def begin(self, lab: Lab, *, empty: bool) -> None:
        """Start what runs beside the machines, if it does not run; with nothing of its past where it is to be empty."""

    def end(self, lab: Lab) -> None:
        """Stop that."""

    def answering(self, lab: Lab) -> int:
        """How many machines could be deployed to. LabError where nobody can tell."""

    def told(self, lab: Lab) -> Sequence[str]:
        """How to use it, for a person."""

    def environ(self, lab: Lab) -> dict[str, str]:
        """The variables by which Deployster finds it."""

    def project(self, lab: Lab) -> str:
        """The head of a deployster.toml for it."""

    def registry(self, lab: Lab) -> list[str]:
        """The names of the units that are there, locks as ``deployster-lock-SERVICE.service``; one for each copy."""

    def running(self, lab: Lab) -> list[str]:
        """The names of those that run."""

    def stop(self, lab: Lab, names: Collection[str]) -> None:
        """Stop units as somebody else would."""

    def destroy(self, lab: Lab, names: Collection[str]) -> None:
        """Destroy units as somebody else would."""

    def forget(self, lab: Lab, service: str) -> None:
        """Drop what is kept of a service beside its units."""
