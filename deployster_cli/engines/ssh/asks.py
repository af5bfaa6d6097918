"""What ``check`` asks: a person about host keys that nobody knows yet, machines whether they have what is needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from deployster_cli.engines.base import Trouble
from deployster_cli.engines.ssh import parse, results
from deployster_cli.engines.ssh.cluster import Cluster
from deployster_cli.engines.ssh.links import Outcome
from deployster_cli.errors import EngineError

# The first systemd whose journalctl takes a cursor to go on behind, and whose systemctl shows what we ask for.
OLDEST = 236

# KB: some hundred unit files.
_LEAST_ROOM = 1024


def make_known(cluster: Cluster) -> None:
    """Have ssh ask about each machine's host key that it does not know, where a person sits at this terminal."""
    if not (os.isatty(0) and os.isatty(2) and threading.current_thread() is threading.main_thread()):
        return
    for host, outcome in cluster.links.each(
        dict.fromkeys(cluster.hosts, ":\n"), cluster.options.read_timeout, "look"
    ).items():
        if isinstance(outcome, EngineError) and results.is_unknown_key(outcome):
            cluster.links.ask_for_key(host)


def troubles(machine: str, outcome: Outcome) -> Iterator[Trouble]:
    """What is wrong with a machine, by what it answered to ``scripts.LOOK``."""
    if isinstance(outcome, EngineError):
        yield Trouble(machine, outcome.message, outcome.hint)
        return
    if outcome.code:
        error = results.refused(machine, "look", outcome)
        yield Trouble(machine, error.message, error.hint)
        return
    found = parse.looked(list(outcome.parts))
    if found.systemd < OLDEST:
        yield Trouble(
            machine, f"{machine} has systemd {found.systemd or 'of no known version'}.", f"It takes {OLDEST}."
        )
    if found.lacks:
        yield Trouble(machine, f"{machine} lacks {', '.join(found.lacks)}.", "Install them there.")
    if found.room is not None and found.room < _LEAST_ROOM:
        yield Trouble(machine, f"{machine} has {found.room} KB left where unit files are.", "Make room there.")
    if found.unlingering:
        yield Trouble(machine, *unlingering(machine, found.unlingering))


def unlingering(machine: str, login: str) -> tuple[str, str]:
    """(what is wrong, its cure) where a login's units end with its session."""
    return f"What {login} runs on {machine} ends with its session.", f"There, as root: loginctl enable-linger {login}"
