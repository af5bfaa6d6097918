"""Taking, keeping and losing a lock, with another who comes at the worst moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from deployster_cli.domain.lock import LASTS, RENEW_AFTER, Note
from deployster_cli.errors import EngineUnreachable, Locked
from deployster_cli.operations import lock
from deployster_cli.operations.lock import Held, new_note, take
from tests.operations.locking import taking
from tests.simulation import SimClock, SimEngine

OTHER = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, LASTS, "deploying v9")


NEXT = Note("carousel", "eve", "ci", "elsewhere", 1, "eve's", 0, LASTS)


@pytest.fixture
def engine() -> SimEngine:
    return SimEngine(SimClock(at=50))


def mine(engine: SimEngine) -> Note:
    return new_note("carousel", "ann@laptop", "deploying v1", engine.clock)


def test_a_free_lock_is_taken_at_once(engine: SimEngine) -> None:
    note = mine(engine)
    taking(engine, note)
    assert engine.locks.notes == {"carousel": note}


def test_a_lock_that_is_given_back_is_gone(engine: SimEngine) -> None:
    taking(engine, mine(engine)).release()
    assert engine.locks.notes == {}


def test_a_lock_that_is_somebody_elses_by_now_is_not_given_back(engine: SimEngine) -> None:
    held = taking(engine, mine(engine))
    engine.locks.notes["carousel"] = OTHER
    held.release()
    assert engine.locks.notes == {"carousel": OTHER}


def test_a_held_lock_is_told_of_with_owner_and_age(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER
    with pytest.raises(Locked, match=r"carousel is locked by bob on ci \(process 1\) for 50s, deploying v9") as raised:
        taking(engine, mine(engine))
    assert raised.value.exit_code == 5


def test_waiting_for_a_lock_is_told_once_and_ends_when_it_is_free(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, deadline=1000)
    going = take(engine, mine(engine), engine.clock, 60)
    next(going)
    engine.locks.notes.clear()
    with pytest.raises(StopIteration) as end:
        next(going)
    assert isinstance(end.value.value, Held)


def test_a_note_begins_when_it_is_put_in_and_not_when_the_waiting_began(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, deadline=50 + 3 * LASTS)
    taking(engine, mine(engine), wait=10 * LASTS)
    note = engine.locks.notes["carousel"]
    assert (note.expired(engine.clock.epoch()), engine.clock.epoch() - note.since < 5) == (False, True)


def test_an_engine_that_does_not_answer_is_waited_for(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.locks, "read", silent_until(engine, 70))
    note = mine(engine)
    taking(engine, note, wait=30)
    assert engine.locks.notes["carousel"].token == note.token


def test_an_engine_that_does_not_answer_in_time_is_an_error(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.locks, "read", silent_until(engine, 70))
    with pytest.raises(EngineUnreachable):
        taking(engine, mine(engine), wait=10)


def silent_until(engine: SimEngine, second: float) -> Callable[[str], Note | None]:
    read = engine.locks.read

    def answer(service: str) -> Note | None:
        if engine.clock.now() < second:
            raise EngineUnreachable("no answer")
        return read(service)

    return answer


def test_an_engine_that_is_lost_once_the_note_is_put_in_leaves_a_word_about_it(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object, **__: object) -> float:
        raise EngineUnreachable("no answer")

    monkeypatch.setattr(engine.locks, "put", put)
    with pytest.raises(EngineUnreachable) as caught:
        taking(engine, mine(engine))
    assert caught.value.hint == "If this run's lock was left there, it keeps others out for 120 s at most."


def test_waiting_for_a_lock_ends_at_the_limit(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, deadline=1000)
    with pytest.raises(Locked):
        taking(engine, mine(engine), wait=30)
    assert 80 <= engine.clock.now() <= 83


@pytest.mark.parametrize("wait", [0, 60])
def test_a_lock_that_is_held_without_a_note_is_not_waited_for_without_end(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, wait: float
) -> None:
    """On one machine: its holder was stopped before it wrote who it is, or wrote what we can't read."""
    monkeypatch.setattr(engine.locks, "put", lambda _: 0.0)
    with pytest.raises(Locked, match="carousel is locked, and nobody says by whom"):
        taking(engine, mine(engine), wait=wait)
    assert engine.clock.now() - 50 < max(lock.NAMELESS / 10, wait) + 1


def test_a_lock_past_its_deadline_is_taken_over(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, deadline=49)
    note = mine(engine)
    taking(engine, note)
    assert engine.locks.notes["carousel"] == note


@pytest.mark.parametrize("beyond", [1, 10**11])
def test_a_lock_of_a_dead_process_of_this_machine_is_taken_over(engine: SimEngine, beyond: int) -> None:
    pid = _dead_pid(os.getpid()) * beyond
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=pid)
    note = mine(engine)
    taking(engine, note)
    assert engine.locks.notes["carousel"] == note


def _dead_pid(own: int) -> int:
    """A process number that nobody has: beyond the highest that Linux gives."""
    return max(own, 2**22) + 1


def test_a_note_that_is_given_back_just_now_is_not_dropped(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner ended well between our look and our finding that its process is gone, and the next one came."""
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    monkeypatch.setattr(engine.clock, "sleep", lambda _: engine.locks.notes.__setitem__("carousel", NEXT))
    with pytest.raises(Locked):
        taking(engine, mine(engine))
    assert engine.locks.notes["carousel"] == NEXT


def test_an_owner_that_is_alive_after_all_keeps_the_lock(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Held(engine, replace(OTHER, deadline=1000, since=40), engine.clock)
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    sleep = engine.clock.sleep

    def and_the_owner_looks(seconds: float) -> None:
        sleep(seconds)
        if "carousel" not in engine.locks.notes or engine.locks.notes["carousel"].token != OTHER.token:
            owner.keep()

    monkeypatch.setattr(engine.clock, "sleep", and_the_owner_looks)
    with pytest.raises(Locked):
        taking(engine, mine(engine))


def test_a_lock_of_a_live_process_of_this_machine_stays(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=os.getpid())
    with pytest.raises(Locked):
        taking(engine, mine(engine))


def test_the_same_number_in_another_container_says_nothing(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, pid=_dead_pid(0))
    with pytest.raises(Locked):
        taking(engine, mine(engine))


def test_a_put_that_lands_on_ours_a_moment_later_wins(engine: SimEngine) -> None:
    """fleet overwrites without looking; whoever finds another note after the wait has lost."""
    engine.locks.late = lambda: engine.locks.notes.__setitem__("carousel", replace(OTHER, deadline=1000))
    with pytest.raises(Locked):
        taking(engine, mine(engine))


def test_an_interrupt_while_it_is_being_taken_gives_it_back(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.clock, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        taking(engine, mine(engine))
    assert engine.locks.notes == {}


def test_keeping_a_fresh_lock_asks_nothing(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    held.keep()
    assert engine.locks.notes == {"carousel": note}


def test_keeping_renews_the_lock_when_it_is_due(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    engine.clock.sleep(RENEW_AFTER)
    held.keep()
    assert engine.locks.notes["carousel"].deadline > note.deadline


def test_a_note_that_wrote_over_ours_gets_ours_put_back(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    engine.locks.notes["carousel"] = replace(OTHER, since=999)
    held.keep()
    assert engine.locks.notes["carousel"].token == note.token


def test_a_lock_that_was_taken_away_is_put_back(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    engine.locks.notes.clear()
    held.keep()
    assert engine.locks.notes["carousel"].token == note.token


def oversleep(engine: SimEngine) -> None:
    engine.clock.sleep(LASTS + 1)
    engine.locks.notes["carousel"] = replace(OTHER, since=engine.clock.epoch())


def come_first(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER


@pytest.mark.parametrize("loss", [oversleep, come_first])
def test_a_lock_that_another_has_the_better_right_to_ends_the_run(
    engine: SimEngine, loss: Callable[[SimEngine], None]
) -> None:
    held = taking(engine, mine(engine))
    loss(engine)
    with pytest.raises(Locked, match="was taken over by bob"):
        held.keep()


@pytest.mark.parametrize(("token", "stays"), [("0", False), ("g", True)])
def test_of_two_notes_of_one_second_the_lesser_token_has_the_better_right(
    engine: SimEngine, token: str, stays: bool
) -> None:
    note = mine(engine)  # whose token is of 0 to f
    held = taking(engine, note)
    engine.locks.notes["carousel"] = replace(OTHER, since=note.since, token=token)
    with contextlib.nullcontext() if stays else pytest.raises(Locked, match="was taken over by bob"):
        held.keep()
    assert (engine.locks.notes["carousel"].token == note.token) == stays


def test_ctrl_c_while_it_is_given_back_leaves_it_to_run_out(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = taking(engine, mine(engine))

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.locks, "read", interrupt)
    held.release()
    assert "carousel" in engine.locks.notes


def test_an_engine_that_can_not_be_asked_does_not_stop_the_giving_back(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taking(engine, mine(engine))

    def silent(_: str) -> Note:
        raise EngineUnreachable("no answer")

    monkeypatch.setattr(engine.locks, "read", silent)
    held.release()
    assert "carousel" in engine.locks.notes


@pytest.mark.parametrize("call", ["read", "drop"])
def test_a_lock_that_could_not_be_given_back_at_once_is_given_back_a_little_later(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    held = taking(engine, mine(engine))
    works, tried = getattr(engine.locks, call), []

    def works_the_third_time(service: str) -> object:
        tried.append(service)
        if len(tried) < 3:
            raise EngineUnreachable("connection refused")
        return works(service)

    monkeypatch.setattr(engine.locks, call, works_the_third_time)
    held.release()
    assert engine.locks.notes == {}


def test_an_engine_that_is_silent_for_long_is_not_asked_twice_to_take_a_lock_back(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, began = taking(engine, mine(engine)), engine.clock.now()

    def silent(_: str) -> Note:
        engine.clock.sleep(15)
        raise EngineUnreachable("no answer within 15 s")

    monkeypatch.setattr(engine.locks, "read", silent)
    held.release()
    assert engine.clock.now() - began == 15


def times_of(engine: SimEngine, lasts: float = 0) -> tuple[list[float], Callable[[], None]]:
    """Something to do meanwhile that takes so long, and when it began."""
    began: list[float] = []

    def meanwhile() -> None:
        began.append(engine.clock.now())
        engine.clock.sleep(lasts)

    return began, meanwhile


def taken_after(engine: SimEngine, meanwhile: Callable[[], None], wait: float = 0) -> float:
    """Seconds until the lock was held, with this to do meanwhile."""
    began = engine.clock.now()
    list(take(engine, mine(engine), engine.clock, wait, meanwhile))
    return engine.clock.now() - began


@pytest.mark.parametrize(("lasts", "after"), [(0, 0.5), (0.3, 0.5), (2, 2)])
def test_what_is_done_meanwhile_takes_no_time_of_its_own(engine: SimEngine, lasts: float, after: float) -> None:
    _, meanwhile = times_of(engine, lasts)
    assert taken_after(engine, meanwhile) == after


def test_it_is_done_with_the_note_put_in_already(engine: SimEngine) -> None:
    seen: list[Note | None] = []
    taken_after(engine, lambda: seen.append(engine.locks.read("carousel")))
    assert [note is not None for note in seen] == [True]


def test_it_is_not_done_where_nothing_has_to_be_waited_for(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put = engine.locks.put
    monkeypatch.setattr(engine.locks, "put", lambda note: put(note) * 0)
    began, meanwhile = times_of(engine)
    assert (taken_after(engine, meanwhile), began) == (0, [])


def test_it_is_not_done_while_a_lock_is_taken_over(engine: SimEngine) -> None:
    """Its owner may be alive after all, and change the service until it is sure."""
    engine.locks.notes["carousel"] = replace(OTHER, deadline=49)
    began, meanwhile = times_of(engine)
    assert (taken_after(engine, meanwhile) >= lock.TAKE_OVER, began) == (True, [])


def test_it_is_done_anew_with_each_note_that_is_put_in(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.locks.late = lambda: engine.locks.notes.__setitem__("carousel", replace(OTHER, deadline=1000))
    sleep = engine.clock.sleep

    def and_the_other_ends(seconds: float) -> None:
        sleep(seconds)
        if seconds == lock.LOOK_EVERY:
            engine.locks.notes.clear()

    monkeypatch.setattr(engine.clock, "sleep", and_the_other_ends)
    began, meanwhile = times_of(engine)
    taken_after(engine, meanwhile, wait=60)
    assert len(began) == 2


def test_a_fault_in_it_gives_the_lock_back(engine: SimEngine) -> None:
    def fault() -> None:
        raise RuntimeError("oh no")

    with pytest.raises(RuntimeError):
        taken_after(engine, fault)
    assert engine.locks.notes == {}


def test_a_note_that_has_aged_while_it_was_being_taken_is_renewed_at_once(engine: SimEngine) -> None:
    """Its time counts from when it was put in, however long the submit, and what was done meanwhile, took."""
    going, note = take(engine, mine(engine), engine.clock, 0, lambda: engine.clock.sleep(LASTS - 10)), mine(engine)
    with pytest.raises(StopIteration) as end:
        next(going)
    end.value.value.keep()
    assert engine.locks.notes["carousel"].deadline > note.deadline


def test_a_wall_clock_that_was_set_back_has_the_lock_renewed_by_it(engine: SimEngine) -> None:
    engine.clock.sleep(10 * LASTS)
    held = taking(engine, mine(engine))
    engine.clock.sleep(-5 * LASTS)
    held.keep()
    assert engine.locks.notes["carousel"].deadline == engine.clock.epoch() + LASTS
