"""What is wanted of systemctl, journalctl and our own supervisor, as argv. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from deployster_cli.domain.units import asking
from deployster_cli.domain.units.names import UnitName

# Matches every name of ours, and some others: what comes back still goes through UnitName.parse.
PATTERN = "*-*@*.service"

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "NRestarts",
    "Job",
    "FragmentPath",
    "MainPID",
    "RemainAfterExit",
)


def systemd(*, user: bool) -> tuple[str, ...]:
    """systemd's own systemctl, for the system's manager or for this user's."""
    return ("systemctl", "--user" if user else "--system", "--no-ask-password", "--no-pager")


def show(base: tuple[str, ...]) -> tuple[str, ...]:
    """Return the states of all units with names like ours, in one call. ``--all`` lists the dead ones that are loaded
    too.
    """
    wanted = (word for name in PROPERTIES for word in ("-p", name))
    return (*base, "show", "--all", *wanted, PATTERN)


def start(base: tuple[str, ...], names: Iterable[UnitName]) -> tuple[str, ...]:
    """Start units and wait for none."""
    return (*base, "start", "--no-block", *_texts(names))


def stop(base: tuple[str, ...], names: Iterable[UnitName]) -> tuple[str, ...]:
    """Stop units and wait for none."""
    return (*base, "stop", "--no-block", *_texts(names))


def reload(base: tuple[str, ...]) -> tuple[str, ...]:
    """Have systemd read the unit files again."""
    return (*base, "daemon-reload")


def reset_failed(base: tuple[str, ...], names: Iterable[UnitName]) -> tuple[str, ...]:
    """Forget that units failed, so that nothing of a removed one stays listed."""
    return (*base, "reset-failed", *_texts(names))


def journal(name: UnitName, lines: int, *, user: bool) -> tuple[str, ...]:
    """Return the end of one unit's journal."""
    return (*_journalctl(name, user=user), f"--lines={lines}")


def entries(name: UnitName, lines: int | None, *, user: bool, follow: bool, after: str) -> tuple[str, ...]:
    """Return the last entries of one unit's journal whole, or all behind a cursor: in journald's export format."""
    return (*_journalctl(name, user=user), *asking.journal_flags(lines, follow=follow, after=after))


def synced() -> tuple[str, ...]:
    """Have journald take in all that is on its way to it; whoever asks it after that gets an answer in full."""
    return ("journalctl", "--sync")


def ended(base: tuple[str, ...], name: UnitName) -> tuple[str, ...]:
    """How a unit's main process ended."""
    return (*base, "show", *(word for each in asking.EXIT_PROPERTIES for word in ("-p", each)), name.text)


def supervisor(python: str, verb: str, name: UnitName, state: str, lock: int) -> tuple[str, ...]:
    """Our own supervisor of one unit; ``lock`` is the open, locked file that it inherits. ``-P``: a module of that name
    in the folder we stand in is nobody's business.
    """
    return (python, "-P", "-m", "deployster_cli.engines.local.supervisor.runner", verb, name.text, state, str(lock))


def _journalctl(name: UnitName, *, user: bool) -> tuple[str, ...]:
    """Not ``--user``: without persistent journals a user has none of their own."""
    return ("journalctl", "--no-pager", f"{'--user-unit' if user else '--unit'}={name.text}")


def _texts(names: Iterable[UnitName]) -> tuple[str, ...]:
    return tuple(name.text for name in names)
