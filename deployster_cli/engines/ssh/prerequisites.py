"""Whether the folders and files that units need are on their machines: one script on all of them at the same time."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping

from deployster_cli.domain.rollout.placement import fitting
from deployster_cli.domain.units.model import Machine
from deployster_cli.domain.units.names import UnitName
from deployster_cli.domain.units.needs import Prerequisite
from deployster_cli.engines.ssh.cluster import Cluster
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.results import Answer


def look(paths: Iterable[Prerequisite]) -> str:
    """Return the script that prints those that are not there, a line each, as the login sees it or root."""
    asked = dict.fromkeys(("d" if each.folder else "f", shlex.quote(each.path)) for each in paths)
    return "".join(f"[ -{kind} {path} ] || printf '%s\\n' {path}\n" for kind, path in asked) + ":\n"


def absent(
    cluster: Cluster, placed: Mapping[UnitName, tuple[Machine, ...]], paths: Collection[Prerequisite]
) -> list[tuple[Prerequisite, Machine]]:
    """As Engine says; ``placed`` is where units were put so far."""
    there = {host: machine for host in cluster.hosts if (machine := cluster.machine(host))}
    wanted: dict[Host, list[Prerequisite]] = {}
    for each in paths:
        on = placed.get(each.file.name) or fitting(each.file, tuple(there.values()))
        ids = {machine.id for machine in on}
        for host in (host for host, machine in there.items() if machine.id in ids):
            wanted.setdefault(host, []).append(each)
    bodies = {host: look(mine) for host, mine in wanted.items()}
    answers = cluster.links.each(bodies, cluster.options.read_timeout, "look")
    return [
        (each, there[host])
        for host, answer in answers.items()
        if isinstance(answer, Answer) and not answer.code
        for each in wanted[host]
        if each.path in answer.text.split("\n")
    ]
