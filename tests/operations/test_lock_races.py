"""Several who want one lock at once, on fleet, where a submit looks and writes a moment later and the write overwrites.

Each racer is a thread, and one runs at a time: whoever sleeps hands over to the one that is to wake next. So a race is
the same each time, and takes no time of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from deployster_cli.domain.lock import Note
from deployster_cli.engines.fleetctl.locks import settles
from deployster_cli.operations.lock import Held, new_note
from tests.operations.locking import taking
from tests.simulation import SimClock, SimEngine, SimLocks

LOOK = 0.02
TAIL = 0.25


class Race:
    """The order in which racers run: by when they wake."""

    def __init__(self) -> None:
        self.at = 0.0
        self.asleep: dict[Racer, float] = {}
        self.faults: list[BaseException] = []

    def run(self, racers: list[Racer]) -> None:
        """Until all have come to an end."""
        for racer in racers:
            self.asleep[racer] = racer.starts
            racer.thread.start()
        while self.asleep:
            racer = min(self.asleep, key=lambda each: (self.asleep[each], each.name))
            self.at = self.asleep.pop(racer)
            racer.wake.release()
            racer.slept.acquire()
        if self.faults:
            raise self.faults[0]


class RacersClock(SimClock):
    """Everybody's time; only sleeping moves it."""

    def __init__(self, race: Race, racer: Racer) -> None:
        self.race = race
        self.racer = racer

    def now(self) -> float:
        return self.race.at

    def sleep(self, seconds: float) -> None:
        self.race.asleep[self.racer] = self.race.at + seconds
        self.racer.slept.release()
        self.racer.wake.acquire()

    def epoch(self) -> int:
        return int(self.race.at)


@dataclass
class FleetLike(SimLocks):
    """fleet's way with a note, for a racer who takes ``slow`` seconds from its look to its write."""

    clock: SimClock = field(default_factory=SimClock)
    slow: float = 0.02

    def put(self, note: Note, *, replace: bool = False) -> float:
        began = self.clock.now()
        free = note.service not in self.notes
        self.clock.sleep(self.slow)
        if free or replace:
            self.notes[note.service] = note
        self.clock.sleep(TAIL)
        return settles(self.clock.now() - began)

    def read(self, service: str) -> Note | None:
        self.clock.sleep(LOOK)
        return self.notes.get(service)

    def drop(self, service: str) -> None:
        self.clock.sleep(LOOK)
        self.notes.pop(service, None)


@dataclass(eq=False)
class Racer:
    """One who wants the lock from ``starts`` on, and works for so long under it, looking every second."""

    name: str
    starts: float
    slow: float
    works: float
    wake: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    slept: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread = field(init=False)
    held: tuple[float, float] = (0, 0)
    planned: int = -1
    done_before: int = -2

    def ready(self, race: Race, notes: dict[str, Note], done: list[str]) -> Racer:
        """With a thread that waits to be woken."""
        clock = RacersClock(race, self)
        engine = SimEngine(clock, locks=FleetLike(notes, clock=clock, slow=self.slow))
        self.thread = threading.Thread(target=self._race, args=(race, engine, done), daemon=True)
        return self

    def _race(self, race: Race, engine: SimEngine, done: list[str]) -> None:
        self.wake.acquire()
        try:
            self._work(engine, done)
        except BaseException as fault:
            race.faults.append(fault)
        finally:
            self.slept.release()

    def _work(self, engine: SimEngine, done: list[str]) -> None:
        def plan() -> None:
            self.planned = len(done)

        held = _taken(engine, self.name, plan)
        began, self.done_before = engine.clock.now(), len(done)
        while engine.clock.now() < began + self.works:
            engine.clock.sleep(min(1, began + self.works - engine.clock.now()))
            held.keep()
        done.append(self.name)
        self.held = began, engine.clock.now()
        held.release()


def _taken(engine: SimEngine, name: str, meanwhile: Callable[[], None]) -> Held:
    return taking(engine, new_note("carousel", name, "deploying", engine.clock), 10_000, meanwhile)


def raced(*racers: Racer) -> list[Racer]:
    """The race run, by who had the lock first."""
    race, notes, done = Race(), dict[str, Note](), list[str]()
    race.run([racer.ready(race, notes, done) for racer in racers])
    assert notes == {}
    return sorted(racers, key=lambda racer: racer.held)


def test_two_who_come_at_the_same_moment_work_one_after_the_other() -> None:
    first, second = raced(Racer("ann", 0, 0.02, 3), Racer("bob", 0.01, 0.02, 3))
    assert first.held[1] <= second.held[0]


def test_one_who_writes_late_over_anothers_note_does_not_work_beside_it() -> None:
    first, second = raced(Racer("ann", 0, 0.005, 3), Racer("bob", 0, 0.6, 3))
    assert first.held[1] <= second.held[0]


racer = st.tuples(st.floats(0, 3), st.floats(0.005, 0.6), st.floats(0.1, 6))


@settings(max_examples=300, deadline=None)
@given(st.lists(racer, min_size=2, max_size=4))
def test_however_they_come_they_work_one_after_another_and_each_knows_what_those_before_did(
    given: list[tuple[float, float, float]],
) -> None:
    racers = raced(*(Racer(f"racer {at}", *each) for at, each in enumerate(given)))
    assert all(before.held[1] <= after.held[0] for before, after in pairwise(racers))
    assert [racer.planned for racer in racers] == [racer.done_before for racer in racers] == list(range(len(racers)))
