"""What ``check`` asks: a person about host keys that nobody knows yet, machines whether they have what is needed."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator

from deployster_cli.domain.rollout.placement import fitting
from deployster_cli.domain.units.model import Machine, Unit
from deployster_cli.domain.units.needs import Needs
from deployster_cli.engines.base import Step, Trouble
from deployster_cli.engines.ssh import results
from deployster_cli.engines.ssh.cluster import Cluster
from deployster_cli.engines.ssh.facts import PULL_LIMIT, Facts, facts, repository
from deployster_cli.engines.ssh.links import Outcome
from deployster_cli.engines.ssh.steps import steps
from deployster_cli.errors import EngineError

# The first systemd whose journalctl takes a cursor to go on behind, and whose systemctl shows what we ask for.
OLDEST = 236

# KB: some hundred unit files.
_LEAST_ROOM = 1024

# What is said where a registry answers that it lacks content which is nowhere: so it would give what it has.
_GRANTED = re.compile("manifest unknown|manifest for .* not found")

# What is said where a pull fails → what cures it: where a registry wants a login, where docker is stopped, or else.
_CURES = (
    (re.compile("denied|unauthorized|authentication required", re.IGNORECASE), "There: docker login."),
    (re.compile("daemon (?:is )?running"), "Have its service started: deployster setup does it."),
    (re.compile(""), "Have it reach the registry."),
)

# timeout(1)'s exit code.
_TIMED_OUT = 124


def make_known(cluster: Cluster) -> None:
    """Have ssh ask about each machine's host key that it does not know, where a person sits at this terminal."""
    if not (os.isatty(0) and os.isatty(2) and threading.current_thread() is threading.main_thread()):
        return
    for host, outcome in cluster.links.each(
        dict.fromkeys(cluster.hosts, ":\n"), cluster.options.read_timeout, "look"
    ).items():
        if isinstance(outcome, EngineError) and results.is_unknown_key(outcome):
            cluster.links.ask_for_key(host)


def troubles(machine: str, outcome: Outcome, needs: Needs) -> Iterator[Trouble]:
    """Yield what is wrong with a machine, by what it answered to ``facts.look``; but for its ports."""
    if isinstance(outcome, EngineError):
        yield Trouble(machine, outcome.message, outcome.hint)
        return
    if outcome.code:
        error = results.refused(machine, "look", outcome)
        yield Trouble(machine, error.message, error.hint)
        return
    found = facts(list(outcome.parts))
    if found.systemd < OLDEST:
        yield Trouble(
            machine, f"{machine} has systemd {found.systemd or 'of no known version'}.", f"It takes {OLDEST}."
        )
    if found.room is not None and found.room < _LEAST_ROOM:
        yield Trouble(machine, f"{machine} has {found.room} KB left where unit files are.", "Make room there.")
    if found.unwritable:
        text = f"Nothing can be written to {found.unwritable} on {machine}, where locks and records belong."
        yield Trouble(machine, text, "Have it mounted with rw, and see lsattr -d there.")
    for step in steps(machine, found, needs):
        if "mkdir" not in step.command:  # the first deploy makes it
            yield Trouble(machine, step.why, cure(step))
    yield from _pulls(machine, found, needs)


def cure(step: Step) -> str:
    """Return what cures what a step is there for."""
    by_hand = f"As root there: {step.command}"
    return f"{by_hand} ({step.by_hand.rstrip('.')})." if step.by_hand else f"{by_hand}; or: deployster setup"


def taken_ports(machine: Machine, ports: Collection[int], units: Iterable[Unit], needs: Needs) -> Iterator[Trouble]:
    """Yield the ports of units that would run on a machine and that something else listens on there."""
    ours = {unit.port for unit in units for each in unit.placements if each.machine and each.machine.id == machine.id}
    for port, file in needs.ports.items():
        if port in ports and port not in ours and fitting(file, [machine]):
            text = f"Something else listens on port {port} of {machine.label}, which {file.name.service} is to have."
            cure = "End it (as root there, ss -ltnp says what it is), or give the service another port."
            yield Trouble(machine.label, text, cure, "port")


def _pulls(machine: str, found: Facts, needs: Needs) -> Iterator[Trouble]:
    """Yield the registries that don't answer a machine, or don't let it have the image."""
    for program, image in needs.images:
        code, words = found.pulls.get(image, (0, ""))
        if program in found.missing or _GRANTED.search(words):
            continue
        if code == _TIMED_OUT:
            text = f"{program} pull {repository(image)} had no answer in {PULL_LIMIT} s."
            yield Trouble(machine, text, "Try it there; a proxy is set for docker's service.", "pull", sure=False)
        elif code:
            text = f"{program} can't pull {repository(image)}: {results.last_line(words).rstrip('.?')}."
            yield Trouble(machine, text, next(cure for said, cure in _CURES if said.search(words)), "pull")
