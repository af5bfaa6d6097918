"""What happens to a deploy that is disturbed, and when."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence

from attempt import Attempt
from breaking import stopped
from fleets import run_etcd, stop_etcd
from sightings import Watch
from stage import DEPLOY, Fault, Stage, Trial

from lab import unplug, wire

# The machine that is broken where it may be any: what speaks for all of them is on the first.
LAST = 3


def fresh(stage: Stage, *, within: float = 120, floored: bool = True) -> Trial:
    """The next version after one that was put on an empty cluster."""
    return Trial(stage.old(), stage.version(), within=within, floored=floored)


def after(seconds: float) -> Callable[[Attempt], None]:
    """The moment when a deploy has run for so long."""
    return lambda attempt: attempt.at(seconds)


def underway(attempt: Attempt) -> None:
    """The moment when the new instances are asked for and don't run yet: nobody had to wait for an answer so far."""
    attempt.until("Starting", DEPLOY)
    time.sleep(1)


def undisturbed(_: Attempt, __: Watch) -> int:
    """Nothing happens."""
    return 0


def unplugged(stage: Stage, moment: float, machines: Sequence[int] = (LAST,)) -> Fault:
    """The power of these machines fails."""

    def fault(attempt: Attempt, watch: Watch) -> int:
        attempt.at(moment)
        lost = sum(map(watch.on, machines))
        for machine in machines:
            unplug(stage.lab, machine)
        return lost

    return fault


def hung(pid: int) -> Fault:
    """A process hangs for 20 s in mid-deploy."""

    def fault(attempt: Attempt, _: Watch) -> int:
        underway(attempt)
        stopped(pid, 20)
        return 0

    return fault


def unwired(stage: Stage, machine: int, moment: Callable[[Attempt], None], back: float) -> Fault:
    """A machine's network is cut, and is back so many seconds later; 0: when the deploy has ended."""

    def fault(attempt: Attempt, watch: Watch) -> int:
        moment(attempt)
        lost = watch.on(machine)
        watch.away.add(machine)
        wire(stage.lab, machine, plugged=False)
        if back:
            time.sleep(back)
            wire(stage.lab, machine, plugged=True)
            watch.away.discard(machine)
        return lost

    return fault


def without_etcd(stage: Stage, seconds: float) -> Fault:
    """etcd is killed, and started again with what it had."""

    def fault(attempt: Attempt, _: Watch) -> int:
        underway(attempt)
        stop_etcd(stage.lab)
        time.sleep(seconds)
        run_etcd(stage.lab)
        return 0

    return fault


def signalled(moment: float, how: signal.Signals) -> Fault:
    """deployster gets a signal."""

    def fault(attempt: Attempt, _: Watch) -> int:
        attempt.at(moment)
        attempt.send(how)
        return 0

    return fault


def interrupted(words: str, how: signal.Signals, pause: float) -> Fault:
    """deployster gets a signal so many seconds after it has said something."""

    def fault(attempt: Attempt, _: Watch) -> int:
        attempt.until(words, DEPLOY)
        time.sleep(pause)
        attempt.send(how)
        return 0

    return fault
