"""The verbs that commands use: over an engine that this process drives (``local``), or over HTTP against a server
(``remote``).

A command asks its run for a backend and never knows which of the two it got.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployster_cli.domain.change import Change, TaskRequest
    from deployster_cli.domain.events import Tell
    from deployster_cli.domain.units.model import Release, Unit
    from deployster_cli.operations.deploy import PlannedChange
    from deployster_cli.operations.logs import Logs, Wanted
    from deployster_cli.operations.releases import Entry
    from deployster_cli.operations.rollout import Result


class Checked(Protocol):
    """One change that was checked as far as it can be without an engine. Both raise DeploysterError."""

    def prepare(self) -> PlannedChange:
        """Return what would be done now; changes nothing."""
        ...

    def run(self, tell: Tell) -> Result:
        """Do it and return what it did; ``tell`` is called with each event as it happens."""
        ...


class Backend(Protocol):
    """What units, services, history and everything that changes a service ask. All raise DeploysterError."""

    def units(self, service: str | None = None) -> tuple[Unit, ...]:
        """Every unit of one service, or of all, by service, version and instance."""
        ...

    @property
    def silent(self) -> Mapping[str, str]:
        """The machines that did not answer the last look → why, in a sentence. No call is made."""
        ...

    def services(self) -> tuple[Release, ...]:
        """Every release of every service, by name."""
        ...

    def history(self, service: str) -> tuple[Entry, ...]:
        """Return the service's releases, newest first; NotFound where it has none."""
        ...

    def checked(self, change: Change) -> Checked:
        """Return the change, ready to be planned or run; InvalidInput where it can't be meant."""
        ...

    def task(self, request: TaskRequest, tell: Tell) -> int:
        """Run a command once with a release and tell its output; its exit code. What ends this early stops it."""
        ...

    def logs(self, wanted: Wanted, *, follow: bool) -> Logs:
        """Return the journals' lines, with ``follow`` those to come as well; NotFound without an instance."""
        ...
