"""One listing for all readers: asked for once at a time, kept for a moment, and never waited for without end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import EngineUnreachable
from deployster_cli.server.streams.listing import MOST_WAITING, Listing, SingleFlight
from tests.server.app_given import Client, GatedEngine, an_engine
from tests.server.given import until
from tests.simulation import SimClock

UNITS = "/v1/services/carousel/units"


@contextmanager
def let_go_after(engine: GatedEngine, seconds: float) -> Iterator[None]:
    """The engine answers only after that long."""
    engine.gate.clear()
    timer = threading.Timer(seconds, engine.gate.set)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_two_hundred_readers_at_once_cost_one_listing(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.2):
        answers = client.all(*[UNITS] * 200)
    assert ({answer.status_code for answer in answers}, engine.looks) == ({200}, 1)


def test_readers_of_different_things_share_it_too(client: Client, engine: GatedEngine) -> None:
    client.all(UNITS, "/v1/units", "/v1/services", "/readyz", "/v1/services/other/units")
    assert engine.looks == 1


def test_the_engine_is_never_asked_twice_at_the_same_time(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.1):
        client.all(*[UNITS, "/v1/services/carousel/history"] * 20)
    assert engine.most_asking == 1


def test_an_engine_that_never_answers_is_a_503_within_the_patience(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.8):
        answer = client.get(UNITS)
    assert (answer.status_code, answer.json()["detail"]) == (503, "The engine has not answered for 0.5 s.")


def test_who_comes_late_to_a_call_that_hangs_is_told_at_once(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.8):
        client.get(UNITS)
        assert client.get(UNITS).elapsed.total_seconds() < 0.1


def test_a_call_that_hangs_is_not_made_again_beside_it(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.8):
        client.get(UNITS)
        client.all(*[UNITS] * 50)
    until(lambda: engine.looks > 0)
    assert engine.looks == 1


def test_it_is_asked_again_once_the_call_has_come_back(client: Client, engine: GatedEngine) -> None:
    with let_go_after(engine, 0.6):
        client.get(UNITS)
    until(lambda: client.get(UNITS).status_code == 200)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(100.0)


def listing_over(engine: GatedEngine, clock: SimClock) -> Listing:
    return Listing(engine, clock, SingleFlight(2.0))


def test_a_young_listing_is_kept(engine: GatedEngine, clock: SimClock) -> None:
    async def twice() -> None:
        listing = listing_over(engine, clock)
        await listing.now()
        clock.sleep(0.7)
        await listing.now()

    asyncio.run(twice())
    assert engine.looks == 1


def test_an_ageing_one_is_shown_while_the_next_is_made(engine: GatedEngine, clock: SimClock) -> None:
    async def twice() -> tuple[float, int]:
        listing = listing_over(engine, clock)
        first = await listing.now()
        engine.gate.clear()
        clock.sleep(0.8)
        second = await listing.now()
        engine.gate.set()
        until(lambda: engine.looks == 2)
        return second.at - first.at, engine.looks

    assert asyncio.run(twice()) == (0.0, 2)


def test_an_ageing_one_is_shown_though_the_next_one_can_not_be_begun(engine: GatedEngine, clock: SimClock) -> None:
    async def twice() -> float:
        single_flight, held = SingleFlight(2.0), threading.Event()
        listing = Listing(engine, clock, single_flight)
        first = await listing.now()
        for kind in range(MOST_WAITING):
            single_flight.begin(kind, held.wait)
        clock.sleep(0.8)
        try:
            return (await listing.now()).at - first.at
        finally:
            held.set()

    assert asyncio.run(twice()) == 0.0


def test_an_older_one_is_not_shown(engine: GatedEngine, clock: SimClock) -> None:
    async def twice() -> None:
        listing = listing_over(engine, clock)
        await listing.now()
        clock.sleep(1.1)
        await listing.now()

    asyncio.run(twice())
    assert engine.looks == 2


def test_what_was_listed_before_a_change_is_not_shown_after_it(engine: GatedEngine, clock: SimClock) -> None:
    async def changing() -> int:
        listing = listing_over(engine, clock)
        await listing.now()
        clock.sleep(0.1)
        engine.add_running(UnitName("carousel", "v2", 1))
        listing.changed()
        return len((await listing.now()).units)

    assert asyncio.run(changing()) == 3


def test_a_listing_under_way_at_a_change_is_not_taken_for_one_after_it(engine: GatedEngine, clock: SimClock) -> None:
    async def changing() -> int:
        listing = listing_over(engine, clock)
        engine.gate.clear()
        early = asyncio.create_task(listing.now())
        await asyncio.sleep(0.05)
        clock.sleep(0.1)
        listing.changed()
        late = asyncio.create_task(listing.now())
        await asyncio.sleep(0.05)
        engine.gate.set()
        await asyncio.gather(early, late)
        return engine.looks

    assert asyncio.run(changing()) == 2


def test_a_failure_is_kept_for_a_second_too(engine: GatedEngine, clock: SimClock) -> None:
    engine.failure = EngineUnreachable("refused")

    async def twice() -> None:
        listing = listing_over(engine, clock)
        for _ in range(2):
            with pytest.raises(EngineUnreachable, match="refused"):
                await listing.now()

    asyncio.run(twice())
    assert engine.looks == 1


def test_a_failure_is_no_listing_of_before(engine: GatedEngine, clock: SimClock) -> None:
    async def failing() -> None:
        listing = listing_over(engine, clock)
        await listing.now()
        clock.sleep(2)
        engine.failure = EngineUnreachable("refused")
        await listing.now()

    with pytest.raises(EngineUnreachable, match="refused"):
        asyncio.run(failing())


def test_bodies_are_made_once_a_listing(engine: GatedEngine, clock: SimClock) -> None:
    async def twice() -> tuple[bytes, bytes]:
        seen = await listing_over(engine, clock).now()
        return seen.units_body("carousel"), seen.units_body("carousel")

    first, second = asyncio.run(twice())
    assert first is second


def test_services_that_are_not_there_are_not_kept(clock: SimClock) -> None:
    async def many() -> int:
        seen = await listing_over(an_engine(), clock).now()
        for number in range(100):
            seen.units_body(f"s{number}")
        return len(seen._bodies)

    assert asyncio.run(many()) == 0


def test_the_line_before_the_worker_is_bounded() -> None:
    held = threading.Event()

    async def many() -> None:
        single_flight = SingleFlight(0.1)
        waiting = [asyncio.create_task(single_flight.once(n, held.wait)) for n in range(MOST_WAITING)]
        await asyncio.sleep(0)
        try:
            await single_flight.once("one more", held.wait)
        finally:
            held.set()
            await asyncio.gather(*waiting, return_exceptions=True)

    with pytest.raises(EngineUnreachable, match="Too much is being asked"):
        asyncio.run(many())


def test_a_fault_in_the_work_reaches_all_who_wait() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    async def two() -> list[BaseException | None]:
        single_flight = SingleFlight()
        return await asyncio.gather(*(single_flight.once("x", broken) for _ in range(2)), return_exceptions=True)

    assert [type(error) for error in asyncio.run(two())] == [ZeroDivisionError] * 2


def test_a_reader_that_goes_away_takes_nothing_from_the_others(engine: GatedEngine, clock: SimClock) -> None:
    async def leaving() -> int:
        listing = listing_over(engine, clock)
        engine.gate.clear()
        leaver, stayer = asyncio.create_task(listing.now()), asyncio.create_task(listing.now())
        await asyncio.sleep(0.05)
        leaver.cancel()
        engine.gate.set()
        return len((await stayer).units)

    assert asyncio.run(leaving()) == 2
