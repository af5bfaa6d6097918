"""Several who want one lock at once, on fleet, where a submit looks and writes a moment later and the write overwrites.

Each racer is a thread, and one runs at a time: whoever sleeps hands over to the one that is to wake next. So a race is
the same each time, and takes no time of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployster_cli.domain.lock import LASTS, RENEW_AFTER, SURE_FOR, Note
from deployster_cli.engines.fleet.locks import settles
from deployster_cli.errors import EngineUnreachable, Locked
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
        self.changes: list[str] = []

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
    """Everybody's time; only sleeping moves it. Its racer's wall clock is off, and its process is stopped now and then:
    while it sleeps, or behind a call of the engine's.
    """

    def __init__(self, race: Race, racer: Racer) -> None:
        self.race = race
        self.racer = racer
        self.points = 0

    def now(self) -> float:
        return self.race.at

    def sleep(self, seconds: float) -> None:
        self.go_by(seconds + self._stopped_for())

    def called(self) -> None:
        """A call of the engine's has ended."""
        if seconds := self._stopped_for():
            self.go_by(seconds)

    def _stopped_for(self) -> float:
        self.points += 1
        return self.racer.stops.get(self.points, 0)

    def go_by(self, seconds: float) -> None:
        """Let the others run until then."""
        self.race.asleep[self.racer] = self.race.at + seconds
        self.racer.slept.release()
        self.racer.wake.acquire()

    def epoch(self) -> int:
        return int(self.race.at) + self.racer.skew


@dataclass
class FleetLike(SimLocks):
    """fleet's way with a note, for a racer who takes ``slow`` seconds from its look to its write."""

    clock: RacersClock = field(kw_only=True)
    slow: float = 0.02

    def put(self, note: Note, *, replace: bool = False) -> float:
        began = self.clock.now()
        free = note.service not in self.notes
        self.clock.go_by(self.slow)
        if free or replace:
            self.notes[note.service] = note
        self.clock.go_by(TAIL)
        self.clock.called()
        return settles(self.clock.now() - began)

    def read(self, service: str) -> Note | None:
        self.clock.go_by(LOOK)
        found = self.notes.get(service)
        self.clock.called()
        return found

    def drop(self, service: str) -> None:
        self.clock.go_by(LOOK)
        self.notes.pop(service, None)
        self.clock.called()


@dataclass(eq=False)
class Racer:
    """One who wants the lock from ``starts`` on, and works for so long under it, looking every ``looks`` seconds and
    changing something before each look.

    ``skew`` is what its wall clock is off, ``stops`` at which points its process stops, and for how long. One that
    ``dies`` gives nothing back.
    """

    name: str
    starts: float
    slow: float
    works: float
    looks: float = 1
    skew: int = 0
    stops: dict[int, float] = field(default_factory=dict)
    dies: bool = False
    wake: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    slept: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    thread: threading.Thread = field(init=False)
    held: tuple[float, float] = (0, 0)
    planned: int = -1
    done_before: int = -2
    lost: bool = False
    left: str = ""

    def ready(self, race: Race, notes: dict[str, Note], done: list[str]) -> Racer:
        """With a thread that waits to be woken."""
        clock = RacersClock(race, self)
        engine = SimEngine(clock, locks=FleetLike(notes, clock=clock, slow=self.slow))
        self.thread = threading.Thread(target=self._race, args=(race, engine, done), daemon=True)
        return self

    def _race(self, race: Race, engine: SimEngine, done: list[str]) -> None:
        self.wake.acquire()
        try:
            self._work(engine, race, done)
        except Locked:
            self.lost = True
        except BaseException as fault:
            race.faults.append(fault)
        finally:
            self.slept.release()

    def _work(self, engine: SimEngine, race: Race, done: list[str]) -> None:
        def plan() -> None:
            self.planned = len(done)

        held = _taken(engine, self.name, plan)
        began, self.done_before = engine.clock.now(), len(done)
        with suppress(EngineUnreachable):  # it was stopped at one look after another: it can't say whose the lock is
            while engine.clock.now() < began + self.works:
                engine.clock.sleep(min(self.looks, began + self.works - engine.clock.now()))
                held.ensure()
                race.changes.append(self.name)
                held.keep()
            done.append(self.name)
        self.held = began, engine.clock.now()
        if self.dies or held.release():  # the latter says so: it was stopped again and again while it asked
            self.left = held._note.token


def _taken(engine: SimEngine, name: str, meanwhile: Callable[[], None]) -> Held:
    return taking(engine, new_note("carousel", name, "deploying", engine.clock), 100_000, meanwhile)


def run(*racers: Racer) -> tuple[list[str], dict[str, Note]]:
    """Race. Who changed something, in order and each once for what it did in a row; and which notes are left."""
    race, notes, done = Race(), dict[str, Note](), list[str]()
    race.run([racer.ready(race, notes, done) for racer in racers])
    return [name for name, _ in groupby(race.changes)], notes


def raced(*racers: Racer) -> list[Racer]:
    """The race run, by who had the lock first."""
    _, notes = run(*racers)
    assert notes == {}
    assert not any(racer.lost for racer in racers)
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


def stops_at_each_point(seconds: float) -> None:
    """One who is stopped so long at some point of its work, beside one who waits for the lock."""
    for point in range(1, 60):
        ann, bob = Racer("ann", 0, 0.02, 30, stops={point: seconds}), Racer("bob", 1, 0.02, 3)
        changes, notes = run(ann, bob)
        assert sorted(changes) == sorted(set(changes)), f"stopped at point {point}"
        assert (bob.lost, notes) == (False, {}), f"stopped at point {point}"


@pytest.mark.parametrize("seconds", [SURE_FOR, LASTS, LASTS + 5, LASTS + 8, 3 * LASTS])
def test_one_who_is_stopped_at_any_point_never_works_beside_the_one_who_waits(seconds: float) -> None:
    stops_at_each_point(seconds)


@pytest.mark.parametrize("skew", [600, -600, 10**6])
def test_a_live_lock_is_taken_by_nobody_whatever_their_wall_clock_says(skew: int) -> None:
    ann, bob = Racer("ann", 0, 0.02, 5 * LASTS, looks=RENEW_AFTER), Racer("bob", 1, 0.02, 1, skew=skew)
    changes, _ = run(ann, bob)
    assert (changes, ann.lost, bob.lost) == (["ann", "bob"], False, False)


def test_a_dead_owners_lock_is_taken_over_within_its_life_and_a_few_seconds() -> None:
    ann, bob = Racer("ann", 0, 0.02, 3, dies=True), Racer("bob", 1, 0.02, 3, skew=-600)
    changes, _ = run(ann, bob)
    assert changes == ["ann", "bob"]
    assert LASTS - RENEW_AFTER < bob.held[0] - ann.held[1] < LASTS + 10


@pytest.mark.parametrize(("looks", "goes_on"), [(RENEW_AFTER, "bob"), (1, "both")])
def test_a_run_whose_lock_is_taken_away_takes_it_back_unless_another_has_it_by_then(looks: float, goes_on: str) -> None:
    ann, bob = Racer("ann", 0, 0.02, 60, looks=looks), Racer("bob", 1, 0.02, 60)
    race, notes = Race(), dict[str, Note]()
    unlocking = Racer("eve", 10, 0.02, 0)

    def unlock() -> None:
        unlocking.wake.acquire()
        notes.clear()
        unlocking.slept.release()

    racers = [racer.ready(race, notes, []) for racer in (ann, bob)]
    unlocking.thread = threading.Thread(target=unlock, daemon=True)
    race.run([*racers, unlocking])
    assert (ann.lost, bob.lost, notes) == (goes_on == "bob", False, {})


a_stop = st.tuples(st.integers(1, 60), st.sampled_from([5, 30, SURE_FOR, LASTS, LASTS + 6, 400]))
sleepy = st.builds(
    Racer,
    name=st.just("racer"),
    starts=st.floats(0, 30),
    slow=st.floats(0.005, 0.6),
    works=st.floats(0.1, 60),
    looks=st.sampled_from([1, RENEW_AFTER]),
    skew=st.integers(-600, 600),
    stops=st.lists(a_stop, max_size=3).map(dict),
    dies=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(sleepy, min_size=2, max_size=4))
def test_however_they_sleep_and_die_no_two_are_at_work_at_once_and_somebody_gets_through(racers: list[Racer]) -> None:
    for number, racer in enumerate(racers):
        racer.name = f"racer {number}"
    changes, notes = run(*racers)
    assert sorted(changes) == sorted(set(changes))
    assert not all(racer.lost for racer in racers)
    assert {note.token for note in notes.values()} <= {racer.left for racer in racers}
