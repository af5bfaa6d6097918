"""The stage of every scenario: one service on the lab, whose deploys are disturbed, looked at, and cleared away."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType

from attempt import Attempt, project, surroundings
from breaking import mend
from place import Lab
from processes import LabError
from sightings import Watch, serving
from verdicts import Expected, Left, Outcome, misplaced

MACHINES = 3

# Seconds after which a deploy that waits for nothing that is broken is given up: beside ten others, on a machine that
# is busy with more, one took 90.
DEPLOY = 300

# Seconds for the cluster to come to rest once a deploy has ended and what was broken is mended.
CALM = 45

# Seconds for all units to be gone from every machine.
EMPTY = 60

# What happens to a deploy, or round it; how many instances are lost by that.
Fault = Callable[[Attempt, Watch], int]


@dataclass(frozen=True)
class Trial:
    """One deploy to be disturbed: from which release to which, and what has to come out."""

    old: str
    new: str
    words: tuple[str, ...] = ()
    count: int = 4
    code: int = 0
    left: str = "new"
    within: float = DEPLOY
    # Whether all instances have to serve throughout, but for those that the fault takes.
    floored: bool = True

    @property
    def version(self) -> str:
        """The release that has to be left."""
        return self.new if self.left == "new" else self.old

    def outcome(self, attempt: Attempt, left: Left, least: int, lost: int, troubles: list[str]) -> Outcome:
        """All that was seen, beside what was wanted."""
        floor = max(0, self.count - lost) if self.floored else None
        expected = Expected(self.code, self.left, self.count, floor, self.within)
        seen = (attempt.code, attempt.seconds, left, least, tuple(troubles), attempt.said)
        return Outcome(expected, self.old, self.new, *seen)


@dataclass
class Stage:
    """A lab, a folder for what the deploys say, and how often the long scenarios try.

    ``lanes`` is how many services what breaks no machine may be tried on at once. ``besides`` are units that somebody
    made by hand: they are none of those that a deploy leaves.
    """

    lab: Lab
    folder: Path
    kills: int = 10
    flips: int = 20
    together: int = 5
    racers: int = 20
    times: int = 1
    lanes: int = 1
    service: str = "broken"
    environ: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    besides: set[str] = field(default_factory=set)
    # The version that runs, where a scenario goes on from the one before, and which one that was.
    now: str = ""
    before: str = ""
    _attempts: list[Attempt] = field(default_factory=list)
    _versions: int = 0
    _lanes: list[Stage] = field(default_factory=list)

    def prepare(self) -> None:
        """The folder, with the project in it; nothing broken, and nothing on the cluster."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.write()
        self.clear()

    def write(self, settings: Mapping[str, object] = MappingProxyType({}), hook: str = "") -> None:
        """The project's file: settings of the service beside the usual ones, and a line that runs before a deploy."""
        (self.folder / "deployster.toml").write_text(
            project(self.service, settings, {"pre_deploy": hook} if hook else {}, self.lab.engine.project(self.lab))
        )

    def several(self, times: int, one: Callable[[Stage, int], Outcome]) -> tuple[Outcome, ...]:
        """What breaks no machine, so often: on several services at once, each in a folder of its own."""
        free: SimpleQueue[Stage] = SimpleQueue()
        for lane in self.apart():
            free.put(lane)

        def tried(number: int) -> Outcome:
            lane = free.get()
            try:
                return one(lane, number)
            finally:
                free.put(lane)

        with ThreadPoolExecutor(self.lanes) as pool:
            return tuple(pool.map(tried, range(times)))

    def apart(self) -> list[Stage]:
        """A stage for each lane."""
        while len(self._lanes) < self.lanes:
            number = len(self._lanes)
            lane = Stage(self.lab, self.folder / f"lane{number}", lanes=self.lanes, service=f"{self.service}{number}")
            lane.prepare()
            self._lanes.append(lane)
        for lane in self._lanes:
            lane.now = lane.before = ""
        return self._lanes

    def clear(self) -> None:
        """Mend what is broken, end what still deploys and destroy all units. LabError where one stays."""
        self.environ.clear()
        self.troubles.clear()
        self.now = self.before = ""
        for lane in self._lanes:
            lane.clear()
        for attempt in self._attempts:
            attempt.end()
        mend(self.lab, MACHINES)
        self.besides.clear()
        until = time.monotonic() + EMPTY
        while (left := self.left()) != Left():
            if time.monotonic() > until:
                raise LabError(f"The lab could not be emptied: {' '.join(left.registry + left.running + left.serving)}")
            self.lab.engine.destroy(self.lab, left.registry)
            time.sleep(self.lab.engine.pause)
        self.lab.engine.forget(self.lab, self.service)

    @property
    def path(self) -> str:
        """The programs that a deploy finds."""
        return surroundings(self.lab, self.folder)["PATH"]

    def version(self) -> str:
        """One that was never deployed before."""
        self._versions += 1
        return f"v{self._versions}"

    def start(self, version: str, *words: str, skew: int = 0, via: Sequence[str] = ()) -> Attempt:
        """Start a deploy."""
        return self.type(["deploy", self.service, version, "--destroy-previous", *words], version, skew, via)

    def type(self, words: Sequence[str], called: str, skew: int = 0, via: Sequence[str] = ()) -> Attempt:
        """Start deployster with the stage's environment; ``called`` is for the name of the file of what it says."""
        log = self.folder / f"{len(self._attempts):03}-{called}.log"
        attempt = Attempt(self.lab, log, words, self.environ, cwd=self.folder, skew=skew, via=via)
        self._attempts.append(attempt)
        return attempt

    def old(self, count: int = 4) -> str:
        """On an empty cluster, a release that runs before anything is broken; LabError where even that fails."""
        self.clear()
        version = self.version()
        attempt = self.start(version, f"--instances={count}")
        attempt.wait(DEPLOY)
        if attempt.code != 0:
            raise LabError(f"The first release could not be deployed: {attempt.said}")
        return version

    def left(self) -> Left:
        """The units of the service as they are now."""
        return Left(
            registry=tuple(filter(self.has, self.lab.engine.registry(self.lab))),
            running=tuple(filter(self.has, self.lab.engine.running(self.lab))),
            serving=tuple(each.unit for each in serving(self.lab, self.service) if self.has(each.unit)),
        )

    def has(self, unit: str) -> bool:
        """Whether a unit is the service's: an instance, a task, or its lock. Its record is none of these."""
        words = unit.removesuffix(".service")
        ours = (
            words.startswith(f"{self.service}-") or f"-{self.service}-" in words or words.endswith(f"-{self.service}")
        )
        return ours and not words.startswith("deployster-record-") and unit not in self.besides

    def calm(self, version: str, count: int) -> Left:
        """What is left once it is as it has to be, or when CALM is over."""
        until, found = time.monotonic() + CALM, Left()
        while time.monotonic() < until:
            try:
                found = self.left()
            except LabError:
                found = Left()
            if not misplaced(found, version, count):
                break
            time.sleep(self.lab.engine.pause)
        return found

    def disturbed(self, trial: Trial, fault: Fault) -> Outcome:
        """A deploy during which the fault happens, and that goes on to its end. The same again has nothing to do."""
        with self.watched() as watch:
            attempt = self.begin(trial)
            lost = fault(attempt, watch)
            attempt.wait(trial.within)
            mend(self.lab, MACHINES)
            watch.away.clear()
            left = self.calm(trial.version, trial.count)
        troubles = self.idle(trial) if trial.left == "new" and attempt.code == 0 else []
        return trial.outcome(attempt, left, watch.least, lost, troubles)

    def ended(self, trial: Trial, fault: Fault, codes: tuple[int, ...]) -> Outcome:
        """A deploy that the fault ends, with one of these codes; the same command again is the one that counts."""
        with self.watched() as watch:
            first = self.begin(trial)
            lost = fault(first, watch)
            first.wait(DEPLOY)
            mend(self.lab, MACHINES)
            watch.away.clear()
            again = self.begin(trial)
            again.wait(trial.within)
            left = self.calm(trial.version, trial.count)
        troubles = [] if first.code in codes else [f"the first run ended with {first.code}: {first.said}"]
        return trial.outcome(again, left, watch.least, lost, troubles)

    @contextmanager
    def watched(self) -> Iterator[Watch]:
        """Somebody who looks on, and writes down what changed beside what the deploy says."""
        with Watch(self.lab, self.service, self.lab.engine.every * self.lanes) as watch:
            yield watch
        (self.folder / f"{len(self._attempts):03}.seen").write_text("\n".join(watch.changes))

    def begin(self, trial: Trial) -> Attempt:
        """Start the deploy of a trial."""
        return self.start(trial.new, f"--instances={trial.count}", *trial.words)

    def idle(self, trial: Trial) -> list[str]:
        """What is wrong with a deploy that has nothing to do."""
        before = self.left()
        attempt = self.begin(trial)
        attempt.wait(DEPLOY)
        if attempt.code != 0:
            return [f"the same command again ended with {attempt.code}: {attempt.said}"]
        return [] if self.left() == before else ["the same command again changed something"]
