"""How machines are made ready for units: what is left to do on each, and the doing."""

from __future__ import annotations

import time
from collections.abc import Callable

from deployster_cli.domain.units.needs import Needs
from deployster_cli.engines.base import Step
from deployster_cli.engines.ssh import facts, results, steps
from deployster_cli.engines.ssh.asks import make_known
from deployster_cli.engines.ssh.cluster import Cluster
from deployster_cli.engines.ssh.links import Outcome
from deployster_cli.errors import EngineError, EngineUnreachable

# Seconds after which it is seen whether what was held is free.
_AGAIN = 3.0


class SshSetup:
    """engines.base.Setup over the machines of the options."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def steps(self, needs: Needs) -> dict[str, tuple[Step, ...] | EngineError]:
        """Return what is left to do on each machine."""
        make_known(self._cluster)
        bodies = dict.fromkeys(self._cluster.hosts, facts.look(needs))
        found = self._cluster.links.each(bodies, self._cluster.options.read_timeout, "look")
        return {host.name: _left(host.name, outcome, needs) for host, outcome in found.items()}

    def take(self, step: Step, limit: float, told: Callable[[str], None]) -> None:
        """Do a step. Where somebody else holds what it takes, it is tried again for as long as it may take itself."""
        (host,) = (one for one in self._cluster.hosts if one.name == step.machine)
        end, waits = time.monotonic() + limit, False
        while True:
            outcome = self._cluster.links.each({host: steps.doing(step.command)}, limit, "setup")[host]
            if isinstance(outcome, EngineError):
                raise _undone(outcome)
            if outcome.code != steps.HELD:
                break
            said = results.last_line(outcome.done.err)
            if time.monotonic() + _AGAIN > end:
                hint = "Run deployster setup again once that has ended."
                raise EngineError(f"{host.name} was waited for in vain for {limit:g} s: {said}", hint)
            if not waits:
                told(f"waits: {said}")
            waits = True
            time.sleep(_AGAIN)
        if outcome.code:
            raise results.refused(host.name, "setup", outcome)


def _left(machine: str, outcome: Outcome, needs: Needs) -> tuple[Step, ...] | EngineError:
    if isinstance(outcome, EngineError):
        return outcome
    if outcome.code:
        return results.refused(machine, "look", outcome)
    return tuple(steps.steps(machine, facts.facts(list(outcome.parts)), needs))


def _undone(error: EngineError) -> EngineError:
    """Return the same error, with what to do where nobody knows what became of the step."""
    if not isinstance(error, EngineUnreachable):
        return error
    hint = "What was begun there goes on to its end. Run deployster setup again: it sees what is left."
    return EngineUnreachable(error.message, hint, argv=error.argv, code=error.code, out=error.out, err=error.err)
