"""The scenarios: what is broken, when, and what has to come out. Each gives its rows of the table."""

from __future__ import annotations

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import over_ssh
import stories
from breaking import agent, daemon, mend, proxied
from harm import (
    LAST,
    after,
    fresh,
    hung,
    interrupted,
    signalled,
    underway,
    undisturbed,
    unplugged,
    unwired,
    without_etcd,
)
from histories import Story
from plain import host
from stage import MACHINES, Stage, Trial
from verdicts import Outcome, Row, overlaps

from lab import unplug

# Versions that can't come up.
FAILING = {
    "it exits at once": ("--set", "command=exit 1"),
    "it exits after 1 s": ("--set", "command=sleep 1; exit 3"),
    "it kills itself": ("--set", "command=kill -9 $$"),
    "no machine fits": ("--set", "machine_metadata=zone=nowhere", "--timeout=20s"),
}


# A hook that leaves a file where another deploy's hook runs too.
MARKED = "mkdir marker || touch overlap-$DEPLOYSTER_VERSION; sleep 1; rmdir marker"


@dataclass(frozen=True)
class Scenario:
    """Its rows, the seconds after which it is given up, however it got stuck, and the engine that it is about."""

    rows: Callable[[Stage], Iterator[Row]]
    limit: float
    engine: str = "fleet"

    @property
    def told(self) -> str:
        """What it is, in one line."""
        return (self.rows.__doc__ or "").strip()


def kill_machine(stage: Stage) -> Iterator[Row]:
    """A machine's power fails 1, 4 and 9 s into a deploy."""
    for moment in (1, 4, 9):
        outcome = stage.disturbed(fresh(stage), unplugged(stage, moment))
        yield Row("kill-machine", f"power of machine {LAST} off after {moment} s", (outcome,))


def kill_two(stage: Stage) -> Iterator[Row]:
    """Two machines' power fails 4 s into a deploy: the one that is left takes all instances."""
    outcome = stage.disturbed(fresh(stage, within=180), unplugged(stage, 4, (LAST - 1, LAST)))
    yield Row("kill-two", f"power of machines {LAST - 1} and {LAST} off after 4 s", (outcome,))


def kill_in_batches(stage: Stage) -> Iterator[Row]:
    """A machine's power fails 8 s into a deploy by batches of two: the new instances first, and the old ones first."""
    for order in ("start-first", "stop-first"):
        old, words = stage.old(), ("--batch-size=2", f"--order={order}")
        trial = Trial(old, stage.version(), words, within=240, floored=order == "start-first")
        outcome = stage.disturbed(trial, unplugged(stage, 8))
        yield Row("kill-in-batches", f"power of machine {LAST} off after 8 s; two at a time, {order}", (outcome,))


def cut_network(stage: Stage) -> Iterator[Row]:
    """A machine's network is cut 1 and 6 s into a deploy; it is back when the deploy has ended, or after 15 s."""
    for moment, back in ((1, 0), (6, 0), (6, 15)):
        outcome = stage.disturbed(fresh(stage), unwired(stage, LAST, after(moment), back))
        when = f"back {back} s later" if back else "back after the deploy"
        yield Row("cut-network", f"network of machine {LAST} cut after {moment} s, {when}", (outcome,))


def cut_endpoint(stage: Stage) -> Iterator[Row]:
    """The machine of the endpoint is cut off for 60 s in mid-deploy."""
    outcome = stage.disturbed(fresh(stage, within=240), unwired(stage, 1, underway, 60))
    yield Row("cut-endpoint", "network of the endpoint's machine cut in mid-deploy, for 60 s", (outcome,))


def cut_tunnel(stage: Stage) -> Iterator[Row]:
    """Through --tunnel: the ssh host is cut off for 30 s in mid-deploy."""
    trial = fresh(stage, within=240)
    words = (f"--tunnel={stage.lab.address(2)}", "--endpoint=unix:///var/run/fleet.sock")
    with agent(stage.lab, stage.folder) as socket:
        stage.environ |= {"SSH_AUTH_SOCK": socket, "DEPLOYSTER_FLEET_STRICT_HOST_KEY_CHECKING": "false"}
        outcome = stage.disturbed(
            Trial(trial.old, trial.new, words, within=trial.within), unwired(stage, 2, underway, 30)
        )
    yield Row("cut-tunnel", "network of the --tunnel host cut in mid-deploy, for 30 s", (outcome,))


def hung_endpoint(stage: Stage) -> Iterator[Row]:
    """The endpoint accepts connections and does not answer for 20 s."""
    trial = fresh(stage, within=180)
    with proxied(stage.lab) as (endpoint, child):
        stage.environ["FLEETCTL_ENDPOINT"] = endpoint
        outcome = stage.disturbed(trial, hung(child.pid))
    yield Row("hung-endpoint", "endpoint accepts and never answers in mid-deploy, for 20 s", (outcome,))


def hung_fleetd(stage: Stage) -> Iterator[Row]:
    """A machine's fleetd hangs for 20 s, which is not yet long enough for fleet to take the machine for lost."""
    outcome = stage.disturbed(fresh(stage, within=180), hung(daemon(stage.lab, LAST, "fleetd")))
    yield Row("hung-fleetd", f"fleetd of machine {LAST} hangs in mid-deploy, for 20 s", (outcome,))


def restart_etcd(stage: Stage) -> Iterator[Row]:
    """etcd is killed in mid-deploy and is back after 15 s, which fleet itself takes for the loss of all machines."""
    outcome = stage.disturbed(fresh(stage, within=240, floored=False), without_etcd(stage, 15))
    yield Row("restart-etcd", "etcd killed in mid-deploy, back 15 s later", (outcome,))


def kill_deployster(stage: Stage) -> Iterator[Row]:
    """deployster itself is killed (-9) at moments spread over a deploy; then the same command again."""
    old, new = stage.old(), stage.version()
    usual = stage.disturbed(Trial(old, new), undisturbed)
    stage.clear()

    def one(lane: Stage, number: int) -> Outcome:
        moment = 0.2 + number * usual.seconds / stage.kills
        trial = Trial(lane.now or lane.old(), lane.version())
        outcome = lane.ended(trial, signalled(moment, signal.SIGKILL), (-signal.SIGKILL, 0))
        lane.now = "" if outcome.complaints() else trial.new
        return outcome

    outcomes = stage.several(stage.kills, one)
    moments = f"{stage.kills} moments from 0.2 to {0.2 + usual.seconds * (1 - 1 / stage.kills):.1f} s"
    yield Row("kill-deployster", f"kill -9 of deployster at {moments}; the same again", outcomes)


def stop_deployster(stage: Stage) -> Iterator[Row]:
    """deployster gets SIGINT and SIGTERM while the new instances start, and while the old ones stop."""
    new = stage.old()
    for how in (signal.SIGINT, signal.SIGTERM):
        for words, what in (("Starting", "new instances start"), ("Retiring", "old instances stop")):
            old, new = new, stage.version()
            outcome = stage.ended(Trial(old, new), interrupted(words, how, stage.lab.engine.pause), (128 + how,))
            yield Row("stop-deployster", f"{how.name} while the {what}; the same again", (outcome,))


def bad_versions(stage: Stage) -> Iterator[Row]:
    """Versions that can't come up: the old release stays, whole."""
    old = stage.old()
    for why, words in FAILING.items():
        outcome = stage.disturbed(Trial(old, stage.version(), words, code=1, left="old"), undisturbed)
        yield Row("bad-versions", f"a version that fails: {why}", (outcome,))


def at_once(stage: Stage) -> Iterator[Row]:
    """Deploys of different versions at the same moment, each with --lock-wait; the second row's have skewed clocks."""
    yield Row("at-once", f"{stage.together} deploys at once, with --lock-wait", (raced(stage, [0] * stage.together),))
    skews = [600 * (number % 3 - 1) + number for number in range(stage.racers)]
    outcome = raced(stage, skews, MARKED)
    yield Row("at-once", f"{stage.racers} deploys at once, their clocks up to 10 minutes off either way", (outcome,))


def from_two_hosts(stage: Stage) -> Iterator[Row]:
    """Deploys of different versions at the same moment from two hosts, each with --lock-wait and a skewed clock."""
    skews = [600 * (number % 3 - 1) + number for number in range(stage.racers)]
    with host(stage.lab, "far", 250) as far:
        outcome = raced(stage, skews, MARKED, ((), far.via))
    told = f"{stage.racers} deploys at once from two hosts, their clocks up to 10 minutes off either way"
    yield Row("at-once", told, (outcome,))


def raced(stage: Stage, skews: Sequence[int], hook: str = "", hosts: Sequence[Sequence[str]] = ((),)) -> Outcome:
    """A deploy for each of these clocks, all at once, from these hosts in turn; what the last one left."""
    old, limit = stage.old(2), 60.0 * len(skews)
    stage.write(hook=hook)
    with stage.watched() as watch:
        versions = [stage.version() for _ in skews]
        words = ("--instances=2", "--lock-wait=1h")
        racers = zip(versions, skews, itertools.cycle(hosts), strict=False)
        attempts = [stage.start(version, *words, skew=skew, via=via) for version, skew, via in racers]
        for attempt in attempts:
            attempt.wait(limit)
        ordered = sorted(zip(versions, attempts, strict=True), key=lambda each: each[1].span[1])
        last, attempt = ordered[-1]
        left = stage.calm(last, 2)
    stage.write()
    troubles = overlaps([(version, *each.span) for version, each in ordered])
    troubles += [f"{version} ended with {each.code}: {each.said}" for version, each in ordered if each.code != 0]
    troubles += [f"hooks of two deploys ran at once: {each}" for each in stage.folder.glob("overlap-*")]
    return Trial(old, last, count=2, within=limit).outcome(attempt, left, watch.least, 0, troubles)


def flips(stage: Stage) -> Iterator[Row]:
    """Back and forth between two versions, again and again; nothing breaks."""

    def one(lane: Stage, _: int) -> Outcome:
        old = lane.now or lane.old(3)
        trial = Trial(old, lane.before or lane.version(), count=3)
        outcome = lane.disturbed(trial, undisturbed)
        lane.now, lane.before = ("", "") if outcome.complaints() else (trial.new, trial.old)
        return outcome

    told = f"nothing; {stage.flips} deploys back and forth between two versions"
    yield Row("flips", told, stage.several(stage.flips, one))


def lost_machine(stage: Stage) -> Iterator[Row]:
    """A machine's power fails, and 7 s later the next version is deployed: as many are wanted as before."""
    outcomes: list[Outcome] = []
    while len(outcomes) < stage.times:
        lanes = stage.apart()
        with ThreadPoolExecutor(len(lanes)) as pool, contextlib.ExitStack() as looks:
            trials = list(pool.map(lambda lane: Trial(lane.old(), lane.version(), within=180, floored=False), lanes))
            watches = [looks.enter_context(lane.watched()) for lane in lanes]
            unplug(stage.lab, LAST)
            time.sleep(7)
            attempts = [lane.start(trial.new) for lane, trial in zip(lanes, trials, strict=True)]
            for attempt, trial in zip(attempts, trials, strict=True):
                attempt.wait(trial.within)
            mend(stage.lab, MACHINES)
            for lane, trial, attempt, watch in zip(lanes, trials, attempts, watches, strict=True):
                left = lane.calm(trial.new, trial.count)
                outcomes.append(trial.outcome(attempt, left, watch.least, 0, []))
            list(pool.map(Stage.clear, lanes))
    yield Row("lost-machine", f"power of machine {LAST} off 7 s before the deploy", tuple(outcomes[: stage.times]))


def told(name: str, stories: Sequence[Story], what: str) -> Callable[[Stage], Iterator[Row]]:
    """The rows of these stories, each tried so often."""

    def rows(stage: Stage) -> Iterator[Row]:
        for story in stories:
            yield Row(name, story.told, stage.several(stage.times, story.play))

    rows.__doc__ = what
    return rows


# Name → stories, and what they are in one line.
STORIES = {
    "instances": (stories.LOSING, "Rollbacks, restarts and deploys after something that failed or was interrupted."),
    "unwatched": (stories.UNWATCHED, "New instances that die or are destroyed once their batch was ready."),
    "wiped": (stories.WIPED, "etcd loses what fleet keeps of the service's units."),
    "foreign": (stories.FOREIGN, "A unit that somebody made by hand, beside every command that changes something."),
    "sleeping": (stories.SLEEPING, "A run that is stopped for longer than its lock lives."),
    "liars": (stories.LIARS, "A fleetctl that lists nothing, or says that it failed."),
    "clocks": (stories.AHEAD, "A run whose clock is 10 minutes ahead."),
    "twice": (stories.twice(0.2), "A second signal soon after the first."),
    "undoing": (stories.UNDOING, "A signal while a failure is undone."),
    "tasks": (stories.TASKS, "A task that outlives the run that began it."),
    "replaced": (stories.REPLACED, "A new unit that is replaced by other content."),
}

# Stories of which no part is fleet's.
FOR_ANY = ("instances", "unwatched", "sleeping", "clocks", "undoing", "tasks")

# Name → scenario, in the order of the table.
SCENARIOS = {
    "kill-machine": Scenario(kill_machine, 600),
    "kill-two": Scenario(kill_two, 400),
    "kill-in-batches": Scenario(kill_in_batches, 600),
    "cut-network": Scenario(cut_network, 600),
    "cut-endpoint": Scenario(cut_endpoint, 400),
    "cut-tunnel": Scenario(cut_tunnel, 400),
    "hung-endpoint": Scenario(hung_endpoint, 300),
    "hung-fleetd": Scenario(hung_fleetd, 300),
    "restart-etcd": Scenario(restart_etcd, 400),
    "kill-deployster": Scenario(kill_deployster, 4500),
    "stop-deployster": Scenario(stop_deployster, 600),
    "bad-versions": Scenario(bad_versions, 600),
    "at-once": Scenario(at_once, 1200),
    "flips": Scenario(flips, 2400),
    "lost-machine": Scenario(lost_machine, 3600),
    **{name: Scenario(told(name, *given), 3600) for name, given in STORIES.items()},
    "ssh-kill-machine": Scenario(over_ssh.kill_machine, 900, "ssh"),
    "ssh-cut-network": Scenario(over_ssh.cut_network, 1200, "ssh"),
    "ssh-join-network": Scenario(over_ssh.join_network, 900, "ssh"),
    "ssh-reboot": Scenario(over_ssh.reboot, 400, "ssh"),
    "ssh-disks": Scenario(over_ssh.disks, 900, "ssh"),
    "ssh-logins": Scenario(over_ssh.logins, 900, "ssh"),
    "ssh-hour": Scenario(over_ssh.hour, 300, "ssh"),
    "ssh-hostile": Scenario(over_ssh.hostile, 300, "ssh"),
    "ssh-cut-host": Scenario(over_ssh.cut_host, 1200, "ssh"),
    "ssh-kill-deployster": Scenario(kill_deployster, 1800, "ssh"),
    "ssh-stop-deployster": Scenario(stop_deployster, 600, "ssh"),
    "ssh-bad-versions": Scenario(bad_versions, 600, "ssh"),
    "ssh-at-once": Scenario(from_two_hosts, 1200, "ssh"),
    "ssh-flips": Scenario(flips, 1200, "ssh"),
    # Its runs end in less than 0.2 s, and what comes while the interpreter ends has no say in the exit code.
    "ssh-twice": Scenario(told("twice", stories.twice(0.05), STORIES["twice"][1]), 3600, "ssh"),
    **{f"ssh-{name}": Scenario(told(name, *STORIES[name]), 3600, "ssh") for name in FOR_ANY},
}
