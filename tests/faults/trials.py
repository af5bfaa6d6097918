"""What each command does, what it may end with when fleetctl misbehaves, and what must hold whatever it ends with.

A new command of the program has to have a row here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deployster_cli import errors
from tests.faults import fleetctl
from tests.faults.given import LONG, SHORT, Cluster, Done, Shell

DONE, FAILED, ENGINE, MISSING = errors.EXIT_DONE, errors.EXIT_FAILED, errors.EXIT_ENGINE, errors.EXIT_NOT_FOUND

# The exit codes that a run without a signal may have. A fault of ours is none of them.
OURS = frozenset({DONE, FAILED, errors.EXIT_USAGE, ENGINE, errors.EXIT_LOCKED, MISSING, errors.EXIT_TASK_TIMEOUT})

# With these a command does what it is for.
HARMLESS = frozenset({"good", "slow", "noisy"})

# These end only at the time limit of a call.
WAITED_FOR = frozenset({"hang", "stall", "held", "left"})

OLD, NEW = [f"v1@{n}" for n in (1, 2, 3)], [f"v2@{n}" for n in (1, 2, 3)]

# Three of our seconds until a rollout is given up.
QUICKLY = "--settle 0s --timeout 60s"


@dataclass(frozen=True)
class Row:
    """One command: a line of it, what runs after it (None: nothing changes), and how few instances may serve meanwhile.

    ``empty`` is its exit code where fleetctl says nothing and does nothing, which is what an empty cluster looks like.
    """

    line: str
    after: list[str] | None = None
    fewest: int = 3
    empty: int = ENGINE
    asks: bool = True


ROWS: Mapping[str, Row] = {
    "deploy": Row(f"deploy carousel v2 --destroy-previous {QUICKLY}", NEW),
    "plan": Row("plan carousel v2", empty=DONE),
    "destroy": Row("destroy carousel v1 --yes --timeout 60s", [], fewest=0),
    "rollback": Row(f"rollback carousel {QUICKLY}", [f"v0@{n}" for n in (1, 2, 3)]),
    "scale": Row(f"scale carousel 4 {QUICKLY}", [*OLD, "v1@4"], empty=MISSING),
    "task": Row("task carousel v1 -- true", empty=FAILED),
    "restart": Row(f"restart carousel --batch-size 3 {QUICKLY}", [f"v1@{n}" for n in (4, 5, 6)]),
    "units": Row("units", empty=DONE),
    "services": Row("services", empty=DONE),
    "logs": Row("logs carousel", empty=MISSING),
    "ssh": Row("ssh carousel -- true", empty=MISSING),
    "history": Row("history carousel", empty=MISSING),
    "diff": Row("diff carousel v2", empty=MISSING),
    "check": Row("check"),
    "unlock": Row("unlock carousel --yes"),
    "render": Row("render carousel v2", asks=False),
    "templates": Row("templates list", asks=False),
    "config": Row("config", asks=False),
    "init": Row("init --overwrite", asks=False),
    "completion": Row("completion bash", asks=False),
}

# Commands that have tests of their own: test_serve; commands/test_setup, as fleet has nothing to set up.
ELSEWHERE = frozenset({"serve", "setup"})


@dataclass
class Trial:
    """One command line under a fault, and what is wrong with how it went."""

    shell: Shell
    row: Row
    faults: list[str] = field(default_factory=list)
    done: Done | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster that it was on."""
        return self.shell.cluster

    def holds(self, what: str, *, that: bool) -> None:
        """Note it where it does not."""
        if not that:
            self.faults.append(what)

    def run(self, mode: str, at: tuple[str, ...] = (), **more: int) -> Done:
        """The command with fleetctl misbehaving; what must always hold is looked at."""
        looks, before = self.cluster.looks, self.cluster.state
        self.cluster.switch(mode, at, **more)
        self.done = done = self.shell(self.row.line, limit=SHORT if mode in WAITED_FOR else LONG)
        self.cluster.switch("good")
        self.told_well(done)
        self.holds("a process was left", that=not self.cluster.living())
        self.holds("a temporary file was left", that=not list(self.cluster.temporary.iterdir()))
        self.holds("too few served", that=self.cluster.looks == looks or self.cluster.fewest(looks) >= self.row.fewest)
        self.holds("it changed something", that=self.row.after is not None or self.cluster.state == before)
        self.holds("it is done and it is not", that=done.code != DONE or not self.row.after or self.as_wanted)
        return done

    def told_well(self, done: Done) -> None:
        """A code of ours, and one sentence where it is not 0: check tells it in its table."""
        self.holds(f"exit {done.code}", that=done.code in OURS)
        self.holds("a traceback was shown", that="Traceback" not in done.out + done.err)
        told = done.err.count("Error: ") == (done.code != DONE) or "FAULT" in done.out
        self.holds("it did not say in one sentence what failed", that=told)
        self.holds("its words can't be printed", that=done.error.replace("\n", "").isprintable())

    @property
    def as_wanted(self) -> bool:
        """Whether what runs is what the command was to bring about."""
        return self.cluster.launched == self.row.after

    @property
    def as_many(self) -> bool:
        """Whether as many of each release run as the command was to bring about, whatever their numbers."""
        return releases(self.cluster.launched) == releases(self.row.after or [])

    def again(self) -> None:
        """The same command with a fleetctl that works: it ends well, and nothing is left of the first one."""
        looks = self.cluster.looks
        self.cluster.let_go()
        nothing = not self.row.after and not self.cluster.launched  # all was destroyed, and is missing now
        done = self.shell(self.row.line)
        codes = {DONE, MISSING} if nothing else {DONE}
        self.holds(f"the next run ended with {done.code}: {done.err}", that=done.code in codes)
        # Units that were put in and never started are replaced under fresh numbers, as whatever is broken is.
        self.holds(f"after the next run there are {self.cluster.launched}", that=self.as_many)
        self.holds("a lock was left", that=not [name for name in self.cluster.units if "-lock-" in name])
        self.holds("too few served at the next run", that=self.cluster.fewest(looks) >= self.row.fewest)

    def __str__(self) -> str:
        """All that there is to say of it."""
        told = self.done and f"exit {self.done.code} after {self.done.seconds:.1f} s\n{self.done.out}{self.done.err}"
        return "\n".join([*self.faults, str(told), str(self.cluster.launched), *self.cluster.calls])


def releases(launched: Sequence[str]) -> Counter[str]:
    """How many instances of each version: of ``v2@1`` and ``v2@2`` two of v2."""
    return Counter(name.partition("@")[0] for name in launched)


MODES = [mode for mode in fleetctl.MODES if mode not in {"good", "flaky"}]
LOOKING = [name for name, row in ROWS.items() if row.asks and row.after is None]
CHANGING = [name for name, row in ROWS.items() if row.after is not None]
SILENT = [name for name, row in ROWS.items() if not row.asks]

# Seconds that no command takes whose first call of fleetctl fails, on a busy machine; that call has 0.4 at most.
ENOUGH = 60.0


def at_once(shell: Shell, name: str, mode: str) -> str:
    """One command with a fleetctl that misbehaves from its first call on: what is wrong with how it went, or empty."""
    trial = Trial(shell, ROWS[name])
    expected = DONE if mode in HARMLESS else trial.row.empty if mode == "empty" else ENGINE
    before = shell.cluster.state
    done = trial.run(mode)
    trial.holds(f"it ended with {done.code}, not {expected}", that=done.code == expected)
    trial.holds("it failed and changed something", that=done.code == DONE or shell.cluster.state == before)
    trial.holds("it took too long", that=mode in HARMLESS or done.seconds < ENOUGH)
    return str(trial) if trial.faults else ""


# The calls in which a change can be hit. Each is first made well by a command that is to get that far.
VERBS = ("cat", "submit", "list-units", "list-unit-files", "start", "stop", "unload", "destroy")

# How many times: once, and for ever.
OFTEN = (1, 0)

# Calls that go well before: then the lock is held, or the plan is made.
AHEAD = {"cat": 2, "list-units": 2, "list-unit-files": 2}


def midway(shell: Shell, name: str, mode: str, verb: str, times: int) -> str:
    """A change with a fleetctl that misbehaves in one kind of call, from when the work has begun."""
    trial = Trial(shell, ROWS[name])
    done = trial.run(mode, (verb,), skip=AHEAD.get(verb, 0), times=times)
    trial.holds("it was to do its work", that=mode not in HARMLESS or done.code == DONE)
    trial.again()
    return str(trial) if trial.faults else ""


def unlucky(shell: Shell, name: str, seed: int) -> str:
    """A change while one call in five fails, of which half are carried out all the same."""
    trial = Trial(shell, ROWS[name])
    done = trial.run("flaky", seed=seed)
    if done.code == FAILED:
        left = "Not undone" in done.err or "till there" in done.err or "Not running again" in done.err
        trial.holds(f"neither new nor old: {shell.cluster.launched}", that=left or shell.cluster.launched == OLD)
    trial.again()
    return str(trial) if trial.faults else ""
