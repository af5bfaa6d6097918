"""Taking, keeping and losing a lock, with another who comes at the worst moment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployster_cli.domain.events import Event, LockHeld
from deployster_cli.domain.lock import LASTS, RENEW_AFTER, SURE_FOR, Note
from deployster_cli.errors import EngineError, EngineUnreachable, Locked
from deployster_cli.operations import lock, undisturbed, unlock
from deployster_cli.operations.lock import Held, new_note, take
from deployster_cli.operations.unlock import Life
from tests.operations.locking import taking
from tests.simulation import SimClock, SimEngine, SimLocks

OTHER = Note("carousel", "bob", "ci", "elsewhere", 1, "bob's", 0, doing="deploying v9")
NEXT = Note("carousel", "eve", "ci", "elsewhere", 1, "eve's", 0)


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
    engine.locks.notes["carousel"] = OTHER
    told: list[tuple[Event, float]] = []

    def tell(event: Event) -> None:
        told.append((event, engine.clock.now()))
        engine.locks.notes.clear()

    assert take(engine, mine(engine), engine.clock, 60, tell=tell).shown
    ((event, given_back),) = told
    assert isinstance(event, LockHeld)
    assert 2 <= engine.clock.now() - given_back < 3


def test_a_note_begins_when_it_is_put_in_and_not_when_the_waiting_began(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER
    held = taking(engine, mine(engine), wait=2 * LASTS)
    assert engine.clock.epoch() - engine.locks.notes["carousel"].since < 5
    held.ensure()
    assert engine.locks.notes["carousel"].beat == OTHER.beat + 1, "it is as fresh as it is"


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
    put = engine.locks.put

    def and_the_engine_is_lost(note: Note) -> float:
        monkeypatch.setattr(engine.locks, "read", silent_until(engine, 1000))
        return put(note)

    monkeypatch.setattr(engine.locks, "put", and_the_engine_is_lost)
    with pytest.raises(EngineUnreachable) as caught:
        taking(engine, mine(engine))
    assert caught.value.hint == LEFT


LEFT = (
    "This run's lock on carousel could not be given back: it keeps other machines' runs out until they have waited 2m "
    "for it (--lock-wait 3m), or until deployster unlock carousel."
)


def test_waiting_for_a_lock_ends_at_the_limit(engine: SimEngine) -> None:
    engine.locks.notes["carousel"], told = OTHER, list[Event]()
    with pytest.raises(Locked):
        take(engine, mine(engine), engine.clock, 30, tell=told.append)
    assert 80 <= engine.clock.now() <= 83
    assert len(told) == 1


@pytest.mark.parametrize("wait", [0, 60])
def test_a_lock_that_is_held_without_a_note_is_not_waited_for_without_end(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, wait: float
) -> None:
    """On one machine: its holder was stopped before it wrote who it is, or wrote what we can't read."""
    puts = list[Note]()

    def put(note: Note) -> float:
        puts.append(note)
        return 0.0

    monkeypatch.setattr(engine.locks, "put", put)
    with pytest.raises(Locked, match="carousel is locked by an unknown run"):
        taking(engine, mine(engine), wait=wait)
    assert len(puts) == 100 or wait
    longest = max(10, wait)
    assert longest - 1 < engine.clock.now() - 50 < longest + 1


def test_a_lock_that_nobody_renews_is_taken_over_once_it_was_seen_for_its_life(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER
    note = mine(engine)
    taking(engine, note, wait=LASTS + 60)
    assert engine.locks.notes["carousel"].token == note.token
    assert LASTS <= engine.clock.now() - 50 < LASTS + 10


def test_a_wait_that_is_shorter_says_how_long_to_wait(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER
    with pytest.raises(Locked) as caught:
        taking(engine, mine(engine), wait=LASTS - 10)
    assert caught.value.hint == (
        "Wait for it with --lock-wait 3m: a lock that nobody renews for 2m is taken over. "
        "Or, if nobody is at it, deployster unlock carousel."
    )


@pytest.mark.parametrize("since", [0, 10**6])
def test_whatever_clock_a_lock_is_of_it_is_left_alone_while_it_is_renewed(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, since: int
) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, since=since)
    sleep = engine.clock.sleep

    def renewed_now_and_then(seconds: float) -> None:
        sleep(seconds)
        engine.locks.notes["carousel"] = replace(OTHER, since=since, beat=int(engine.clock.now()) // RENEW_AFTER)

    monkeypatch.setattr(engine.clock, "sleep", renewed_now_and_then)
    with pytest.raises(Locked):
        taking(engine, mine(engine), wait=10 * LASTS)


def test_a_taker_that_slept_has_not_seen_it_meanwhile(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner may have slept as long, on the same laptop, and renew it in a moment."""
    engine.locks.notes["carousel"] = OTHER
    sleep, slept = engine.clock.sleep, list[None]()

    def the_lid_is_closed(seconds: float) -> None:
        sleep(seconds)
        if not slept:
            slept.append(sleep(10 * LASTS))

    monkeypatch.setattr(engine.clock, "sleep", the_lid_is_closed)
    taking(engine, mine(engine), 20 * LASTS)
    assert engine.clock.now() - 50 - 10 * LASTS >= LASTS - RENEW_AFTER


@pytest.mark.parametrize("beyond", [1, 10**11])
def test_a_lock_of_a_dead_process_of_this_machine_is_taken_over(engine: SimEngine, beyond: int) -> None:
    pid = _dead_pid(os.getpid()) * beyond
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=pid)
    note = mine(engine)
    taking(engine, note)
    assert engine.locks.notes["carousel"].token == note.token


def _dead_pid(own: int) -> int:
    """A process number that nobody has: beyond the highest that Linux gives."""
    return max(own, 2**22) + 1


def test_where_nobody_can_tell_which_system_it_is_no_owner_counts_as_dead(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: Path, encoding: str) -> str:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "read_text", unreadable)  # as on a Mac
    ours, others = mine(engine), mine(engine)
    assert ours.home != others.home
    assert not lock.dead(replace(others, pid=_dead_pid(0)))


def test_a_note_that_is_given_back_just_now_is_not_dropped(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner ended well between our look and our finding that its process is gone, and the next one came."""
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    monkeypatch.setattr(engine.clock, "sleep", lambda _: engine.locks.notes.__setitem__("carousel", NEXT))
    with pytest.raises(Locked):
        taking(engine, mine(engine))
    assert engine.locks.notes["carousel"] == NEXT


def test_an_abandoned_note_whose_last_reading_was_long_in_coming_is_not_dropped(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process was stopped behind it, and somebody else has taken the lock over since."""
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    answers = iter([engine.locks.notes["carousel"]] * 2)

    def late(service: str) -> Note | None:
        there = next(answers, None)
        if there is None:
            return engine.locks.notes[service]
        if engine.clock.now() > 50:
            engine.locks.notes[service] = NEXT
            engine.clock.sleep(lock.TAKE_OVER + 1)
        return there

    monkeypatch.setattr(engine.locks, "read", late)
    with pytest.raises(Locked):
        taking(engine, mine(engine), wait=10)
    assert engine.locks.notes["carousel"] == NEXT


def test_an_owner_that_is_alive_after_all_keeps_the_lock(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Held(engine, OTHER, engine.clock)
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
    engine.locks.late = lambda: engine.locks.notes.__setitem__("carousel", OTHER)
    with pytest.raises(Locked):
        taking(engine, mine(engine))


def test_an_interrupt_while_it_is_being_taken_gives_it_back(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.clock, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        taking(engine, mine(engine))
    assert engine.locks.notes == {}


def test_a_note_that_lands_after_an_interrupt_is_given_back_too(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, sleep = mine(engine), engine.clock.sleep

    def cut_off(_: Note) -> float:
        raise KeyboardInterrupt

    def and_it_lands(seconds: float) -> None:
        sleep(seconds)
        engine.locks.notes["carousel"] = note

    monkeypatch.setattr(engine.locks, "put", cut_off)
    monkeypatch.setattr(engine.clock, "sleep", and_it_lands)
    with pytest.raises(KeyboardInterrupt):
        taking(engine, note)
    assert (engine.locks.notes, engine.clock.now()) == ({}, 50.5)


def test_keeping_a_fresh_lock_asks_nothing(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    held.keep()
    assert engine.locks.notes == {"carousel": note}


def test_keeping_renews_the_lock_every_20_seconds_and_holds_up_no_giving_back(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    engine.clock.sleep(19)
    held.keep()
    assert engine.locks.notes["carousel"].beat == note.beat
    engine.clock.sleep(1)
    held.keep()
    assert engine.locks.notes["carousel"].beat > note.beat
    renewed = engine.clock.now()
    held.release()
    assert (engine.locks.notes, engine.clock.now()) == ({}, renewed)


@pytest.mark.parametrize("beat", [0, 1])
def test_a_note_that_wrote_over_ours_gets_ours_put_back(engine: SimEngine, beat: int) -> None:
    """Of two that were renewed as often ours was there first: else we would not find the other in its place."""
    held = taking(engine, replace(mine(engine), beat=1))
    engine.locks.notes["carousel"] = replace(OTHER, beat=beat)
    held.keep()
    assert engine.locks.notes["carousel"].token == held._note.token


def test_a_lock_that_was_taken_away_is_put_back(engine: SimEngine) -> None:
    note = mine(engine)
    held = taking(engine, note)
    engine.locks.notes.clear()
    held.keep()
    assert engine.locks.notes["carousel"].token == note.token


def test_a_short_listing_has_nothing_renewed(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = taking(engine, mine(engine))
    monkeypatch.setattr(engine.locks, "shown", lambda _: False)
    held.keep()
    assert engine.locks.notes["carousel"].beat == 0


def test_a_lock_that_another_has_the_better_right_to_ends_the_run(engine: SimEngine) -> None:
    held = taking(engine, mine(engine))
    engine.locks.notes["carousel"] = replace(OTHER, beat=1)
    with pytest.raises(Locked, match="was taken over by bob"):
        held.keep()


@pytest.fixture(params=["keep", "ensure"])
def overslept(engine: SimEngine, request: pytest.FixtureRequest) -> Callable[[], None]:
    """What a run calls when it wakes up, its lock's life over."""
    held = taking(engine, mine(engine))
    engine.clock.sleep(SURE_FOR + 1)
    call: Callable[[], None] = getattr(held, request.param)
    return call


def test_a_run_whose_life_is_over_reads_before_it_writes_and_stops_where_another_has_its_lock(
    engine: SimEngine, overslept: Callable[[], None]
) -> None:
    engine.locks.notes["carousel"] = OTHER
    with pytest.raises(Locked, match="was taken over by bob"):
        overslept()
    assert engine.locks.notes["carousel"] == OTHER


def test_a_run_whose_life_is_over_and_whose_lock_is_gone_stops(
    engine: SimEngine, overslept: Callable[[], None]
) -> None:
    """Another may have had it, and be done."""
    engine.locks.notes.clear()
    with pytest.raises(Locked, match="The lock of carousel was gone when this run came back to it: it stops here"):
        overslept()
    assert engine.locks.notes == {}


def test_a_run_whose_life_is_over_goes_on_where_its_lock_was_left_to_it(
    engine: SimEngine, overslept: Callable[[], None]
) -> None:
    overslept()
    assert engine.locks.notes["carousel"].beat == 1


@pytest.mark.parametrize(("there", "says"), [(OTHER, "taken over by bob"), (None, "was gone")])
def test_a_note_that_is_put_in_late_counts_only_if_it_is_still_there_a_little_later(
    engine: SimEngine, overslept: Callable[[], None], there: Note | None, says: str
) -> None:
    engine.locks.late = there_instead(engine, there)
    with pytest.raises(Locked, match=says):
        overslept()


def there_instead(engine: SimEngine, there: Note | None) -> Callable[[], None]:
    """Somebody who took over in that very moment."""

    def late() -> None:
        engine.locks.notes.clear()
        engine.locks.notes.update({"carousel": there} if there else {})

    return late


def test_a_note_that_was_put_in_with_the_life_of_the_last_one_over_is_looked_at_again(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process was stopped between reading and writing; who has taken over meanwhile looks every 20 s."""
    held, put = taking(engine, mine(engine)), engine.locks.put
    engine.clock.sleep(RENEW_AFTER)

    def stopped_for_long(note: Note, *, replace: bool = False) -> float:
        engine.clock.sleep(SURE_FOR)
        return put(note, replace=replace)

    monkeypatch.setattr(engine.locks, "put", stopped_for_long)
    began = engine.clock.now()
    held.keep()
    assert engine.clock.now() - began - SURE_FOR > RENEW_AFTER


def test_a_lock_is_ensured_only_while_its_life_is_not_over(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process was stopped behind the very call that renewed it."""
    held, put, stops = taking(engine, mine(engine)), engine.locks.put, iter([SURE_FOR + 1])
    engine.clock.sleep(RENEW_AFTER)

    def and_is_stopped(note: Note, *, replace: bool = False) -> float:
        wait = put(note, replace=replace)
        engine.clock.sleep(next(stops, 0))
        return wait

    monkeypatch.setattr(engine.locks, "put", and_is_stopped)
    held.ensure()
    assert engine.locks.notes["carousel"].beat == 2


def test_an_answer_that_is_always_long_in_coming_does_not_say_whose_a_lock_is_whose_life_is_over(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, read = taking(engine, mine(engine)), engine.locks.read
    engine.clock.sleep(SURE_FOR + 1)

    def slow(service: str) -> Note | None:
        found = read(service)
        engine.clock.sleep(lock.TAKE_OVER + 1)
        return found

    monkeypatch.setattr(engine.locks, "read", slow)
    with pytest.raises(EngineUnreachable, match="takes too long to say whose lock that on carousel is by now"):
        held.ensure()
    assert engine.locks.notes["carousel"].beat == 0


@pytest.mark.parametrize(("first", "second"), [(3.5, 0), (3, 3.5)])
def test_one_answer_of_two_that_comes_within_3_seconds_says_whose_it_is(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, first: float, second: float
) -> None:
    held, read, takes = taking(engine, mine(engine)), engine.locks.read, iter([first, second])
    engine.clock.sleep(SURE_FOR + 1)

    def slow(service: str) -> Note | None:
        engine.clock.sleep(next(takes, 0))
        return read(service)

    monkeypatch.setattr(engine.locks, "read", slow)
    held.ensure()
    assert engine.locks.notes["carousel"].beat == 1


def test_a_lock_that_was_lost_is_not_asked_for_again_at_the_end(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taking(engine, mine(engine))
    engine.locks.notes["carousel"] = replace(OTHER, beat=1)
    with pytest.raises(Locked):
        held.keep()
    monkeypatch.setattr(engine.locks, "read", None)
    assert held.release() == ""


def test_ensuring_a_fresh_lock_asks_nothing(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = taking(engine, mine(engine))
    monkeypatch.setattr(engine.locks, "read", None)
    held.ensure()


def interrupting(engine: SimEngine, monkeypatch: pytest.MonkeyPatch, call: str, lasts: float, hits: int) -> None:
    """Ctrl-C, so often, while this call of the giving back is under way, which takes so long in real seconds."""
    works = getattr(engine.locks, call)

    def interrupted(service: str) -> object:
        for _ in range(hits):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(lasts / hits)
        return works(service)

    monkeypatch.setattr(engine.locks, call, interrupted)


@pytest.mark.parametrize("call", ["read", "drop"])
@pytest.mark.parametrize("hits", [1, 5])
def test_ctrl_c_while_it_is_given_back_does_not_stop_that(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, call: str, hits: int
) -> None:
    held = taking(engine, mine(engine))
    interrupting(engine, monkeypatch, call, 0.2, hits)
    assert (held.release(), engine.locks.notes) == ("", {})


def test_after_a_ctrl_c_it_is_not_waited_for_without_end_and_what_is_left_is_said(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taking(engine, mine(engine))
    monkeypatch.setattr(undisturbed, "HURRY", 0.1)
    interrupting(engine, monkeypatch, "read", 1.0, 1)
    assert held.release() == LEFT


def test_a_fault_in_the_giving_back_is_raised(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    held = taking(engine, mine(engine))
    monkeypatch.setattr(engine.locks, "read", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        held.release()


def test_a_server_that_stops_while_it_is_given_back_gives_it_back(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock raises what Ctrl-C is to a command, once."""
    held = taking(engine, mine(engine))
    works, answers = engine.locks.read, iter([EngineUnreachable("connection refused")])

    def refused_once(service: str) -> Note | None:
        for error in answers:
            raise error
        return works(service)

    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine.locks, "read", refused_once)
    monkeypatch.setattr(engine.clock, "sleep", stopped)
    assert (held.release(), engine.locks.notes) == ("", {})


def test_a_call_that_was_cut_off_may_still_come_to_something_before_it_is_given_back(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, sleep = taking(engine, mine(engine)), engine.clock.sleep
    engine.locks.notes.clear()

    def cut_off(*_: object, **__: object) -> float:
        raise KeyboardInterrupt

    under_way = [lambda: engine.locks.notes.update({"carousel": held._note})]

    def and_it_lands(seconds: float) -> None:
        sleep(seconds)
        while under_way:
            under_way.pop()()

    monkeypatch.setattr(engine.locks, "put", cut_off)
    with pytest.raises(KeyboardInterrupt):
        held.keep()
    monkeypatch.setattr(engine.clock, "sleep", and_it_lands)
    cut_off_at = engine.clock.now()
    assert (held.release(), engine.locks.notes) == ("", {})
    assert engine.clock.now() == cut_off_at + 0.5


def test_an_engine_that_can_not_be_asked_does_not_stop_the_giving_back(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taking(engine, mine(engine))

    def silent(_: str) -> Note:
        raise EngineUnreachable("no answer")

    monkeypatch.setattr(engine.locks, "read", silent)
    assert held.release() == LEFT
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


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_lock_that_is_gone_although_the_engine_refused_is_not_left(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    held, drop = taking(engine, mine(engine)), engine.locks.drop

    def does_it_and_refuses(service: str) -> None:
        drop(service)
        engine.clock.sleep(seconds)
        raise EngineError("fleetctl destroy failed: timed out")

    monkeypatch.setattr(engine.locks, "drop", does_it_and_refuses)
    assert held.release() == ""


def test_a_lock_that_the_engine_refuses_to_give_back_three_times_is_left(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, tried = taking(engine, mine(engine)), list[str]()

    def refuses(service: str) -> None:
        tried.append(service)
        raise EngineError("fleetctl destroy failed: no")

    monkeypatch.setattr(engine.locks, "drop", refuses)
    assert (held.release(), len(tried)) == (LEFT, 3)


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
    taking(engine, mine(engine), wait, meanwhile)
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
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    began, meanwhile = times_of(engine)
    assert (taken_after(engine, meanwhile) >= lock.TAKE_OVER, began) == (True, [])


def test_a_take_over_that_took_long_waits_until_whoever_came_in_between_would_have_looked(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    drop = engine.locks.drop

    def stopped_for_long(service: str) -> None:
        engine.clock.sleep(SURE_FOR)
        drop(service)

    monkeypatch.setattr(engine.locks, "drop", stopped_for_long)
    _, meanwhile = times_of(engine)
    assert taken_after(engine, meanwhile) - SURE_FOR > RENEW_AFTER


def test_a_note_of_ours_that_landed_late_is_found_to_be_ours(engine: SimEngine) -> None:
    note = mine(engine)
    engine.locks.notes["carousel"] = note
    held = taking(engine, note)
    held.keep()
    assert engine.locks.notes["carousel"].token == note.token


def test_it_is_done_anew_with_each_note_that_is_put_in(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.locks.late = lambda: engine.locks.notes.__setitem__("carousel", OTHER)
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
    note = mine(engine)
    taking(engine, note, 0, lambda: engine.clock.sleep(LASTS - 10)).keep()
    assert engine.locks.notes["carousel"].beat > note.beat


def test_after_more_than_90_seconds_a_lock_is_only_ours_where_its_note_is_found(engine: SimEngine) -> None:
    held = taking(engine, mine(engine))
    began = engine.clock.now() - held._put_at
    engine.clock.sleep(90 - began)
    engine.locks.notes.clear()
    held.ensure()
    assert "carousel" in engine.locks.notes, "it was put back"
    engine.clock.sleep(90.5)
    engine.locks.notes.clear()
    with pytest.raises(Locked, match="was gone"):
        held.ensure()


@pytest.mark.parametrize(("after", "ends"), [(15, False), (15.5, True)])
def test_another_note_in_its_place_ends_the_run_once_nobody_who_came_at_the_same_time_can_have_written_it(
    engine: SimEngine, after: float, ends: bool
) -> None:
    held = taking(engine, mine(engine))
    engine.clock.sleep(after - (engine.clock.now() - held._began))
    engine.locks.notes["carousel"] = OTHER
    if not ends:
        held.keep()
        assert engine.locks.notes["carousel"].token == held._note.token
        return
    with pytest.raises(Locked, match="was taken over by bob"):
        held.keep()


@pytest.mark.parametrize(("took", "waits"), [(0, 3), (2.5, 3), (3, 23)])
def test_how_long_a_lock_that_was_taken_over_waits_until_it_counts(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch, took: float, waits: float
) -> None:
    """The submit itself takes half a second: with 3 s before it the last reading is over 3 s old."""
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    drop, put, ended = engine.locks.drop, engine.locks.put, list[float]()

    def slowly(service: str) -> None:
        engine.clock.sleep(took)
        drop(service)

    def half_a_second(note: Note) -> float:
        engine.clock.sleep(0.5)
        ended.append(engine.clock.now())
        return put(note)

    monkeypatch.setattr(engine.locks, "drop", slowly)
    monkeypatch.setattr(engine.locks, "put", half_a_second)
    taking(engine, mine(engine))
    assert engine.clock.now() - ended[0] == waits


def test_a_free_lock_is_looked_for_every_2_seconds(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.locks.notes["carousel"], asked, read = OTHER, list[float](), engine.locks.read

    def reading(service: str) -> Note | None:
        asked.append(engine.clock.now() - 50)
        return read(service)

    monkeypatch.setattr(engine.locks, "read", reading)
    with pytest.raises(Locked):
        taking(engine, mine(engine), wait=4)
    assert asked == [0, 2, 4]


def test_a_note_says_whose_it_is_and_each_has_a_token_of_its_own(engine: SimEngine) -> None:
    ours, nobodys = mine(engine), new_note("carousel", "@laptop", "", engine.clock)
    assert (ours.owner, ours.since, ours.pid, nobodys.owner) == ("ann", 50, os.getpid(), "?")
    assert len({ours.token, nobodys.token}) == 2


def test_a_lock_that_is_given_back_counts_nowhere_any_more(engine: SimEngine) -> None:
    note = mine(engine)
    taking(engine, note).release()
    assert engine.locks.ended == [note.token]


def test_one_whose_putting_in_was_cut_off_counts_nowhere_though_it_is_not_there_yet(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call may still be under way on a machine, and come to something once we have ended."""

    def cut_off(note: Note, *, replace: bool = False) -> float:
        raise KeyboardInterrupt

    note = mine(engine)
    monkeypatch.setattr(engine.locks, "put", cut_off)
    with pytest.raises(KeyboardInterrupt):
        taking(engine, note)
    assert engine.locks.ended == [note.token]


def test_what_was_given_back_is_not_put_in_again(engine: SimEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, put = list[str](), engine.locks.put

    def too_few_answer_at_first(note: Note, *, replace: bool = False) -> float:
        tokens.append(note.token)
        if len(tokens) < 3:
            raise EngineUnreachable("Only 1 of 3 machines answer.")
        return put(note, replace=replace)

    monkeypatch.setattr(engine.locks, "put", too_few_answer_at_first)
    taking(engine, mine(engine), wait=60)
    assert (len(set(tokens)), engine.locks.ended) == (3, tokens[:2])
    assert engine.locks.notes["carousel"].token == tokens[2]


def test_an_abandoned_lock_counts_nowhere_once_it_was_taken_over(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = replace(OTHER, home=lock._home(), pid=_dead_pid(0))
    taking(engine, mine(engine))
    assert engine.locks.ended == [OTHER.token]


def test_a_lock_that_was_unlocked_counts_nowhere(engine: SimEngine) -> None:
    engine.locks.notes["carousel"] = OTHER
    unlock.take_away(engine, OTHER, engine.clock, Life.SILENT)
    engine.locks.notes["carousel"] = gone = replace(NEXT, home=lock._home(), pid=_dead_pid(0))
    unlock.take_away(engine, gone, engine.clock, None)
    assert engine.locks.ended == [OTHER.token, NEXT.token]


def test_a_run_that_was_unlocked_while_it_was_stopped_does_not_go_on(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note can be put in again, and counts nowhere any more."""
    held = taking(engine, mine(engine))
    engine.clock.sleep(RENEW_AFTER + 10)
    monkeypatch.setattr(engine.locks, "read", lambda _: None)
    with pytest.raises(Locked, match="was gone when this run came back to it"):
        held.keep()


def test_a_lock_that_the_engine_has_ended_everywhere_is_not_looked_for(
    engine: SimEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taking(engine, mine(engine))
    monkeypatch.setattr(engine.locks, "end", lambda _: True)
    monkeypatch.delattr(SimLocks, "read")
    assert held.release() == ""
