"""What a thread makes is streamed as it comes, and the thread ends when nobody wants it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from deployster_cli.errors import NotFound
from deployster_cli.server.jobs.job import NotNow
from deployster_cli.server.jobs.worker import StoppableClock
from deployster_cli.server.state import Serving
from deployster_cli.server.streams import threaded_response as module
from deployster_cli.server.streams.threaded_response import Places, Producer, Source
from tests.server.app_given import Client

Put = Callable[[bytes], None]


async def whole(source: Source, places: Places | None = None) -> list[bytes]:
    producer = Producer(source, places or Places(1, "streams"))
    return [piece async for piece in producer.rest(await producer.first())]


def numbers(_: threading.Event, put: Put) -> None:
    for n in range(1000):
        put(str(n).encode())


def test_all_of_it_arrives_in_order() -> None:
    assert asyncio.run(whole(numbers)) == [str(n).encode() for n in range(1000)]


def test_a_source_of_nothing_is_an_empty_stream() -> None:
    def nothing(_: threading.Event, put: Put) -> None:
        """Nothing."""

    assert asyncio.run(whole(nothing)) == []


def test_what_fails_before_the_first_piece_is_raised() -> None:
    def fail(_: threading.Event, put: Put) -> None:
        raise NotFound("There is no carousel.")

    with pytest.raises(NotFound):
        asyncio.run(whole(fail))


def test_a_place_is_given_back_at_the_end() -> None:
    places = Places(1, "streams")
    for _ in range(3):
        assert len(asyncio.run(whole(numbers, places))) == 1000


def test_one_too_many_is_refused() -> None:
    places = Places(0, "tasks")
    with pytest.raises(NotNow, match="0 tasks are under way"):
        asyncio.run(whole(numbers, places))


def test_a_silent_source_ends_and_tidies_up_when_it_is_stopped() -> None:
    tidied = threading.Event()

    def silent(stop: threading.Event, put: Put) -> None:
        clock = StoppableClock(stop)
        try:
            put(b"begun")
            clock.sleep(60)
        finally:
            tidied.set()

    async def go() -> None:
        producer = Producer(silent, Places(1, "streams"))
        await producer.first()
        producer.stop()
        assert await asyncio.to_thread(tidied.wait, 1)

    asyncio.run(go())


def test_a_source_does_not_run_far_ahead_of_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AHEAD", 10)
    made: list[int] = []

    def eager(_: threading.Event, put: Put) -> None:
        for n in range(1000):
            made.append(n)
            put(b"x")

    async def go() -> None:
        producer = Producer(eager, Places(1, "streams"))
        stream = producer.rest(await producer.first())
        await asyncio.sleep(0.1)
        await anext(stream)
        producer.stop()

    asyncio.run(go())
    assert len(made) <= 12


def test_where_too_many_streams_of_events_are_open_one_more_is_told_to_come_again(
    serving: Serving, client: Client
) -> None:
    serving.streams = Places(0, "streams of events")
    answer = client.get("/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_stream_of_events_gives_its_place_back(serving: Serving, client: Client) -> None:
    serving.streams = Places(1, "streams of events")
    job = client.post("/v1/services/carousel/deploys", json={"deploy": {"version": "v2"}}).json()
    assert [client.get(job["events_url"]).status_code for _ in range(3)] == [200] * 3


def test_a_source_that_nobody_wants_ends_at_its_next_piece_though_there_is_room() -> None:
    stopped, made = threading.Event(), list[int]()

    def eager(stop: threading.Event, put: Put) -> None:
        put(b"begun")
        stop.wait(5)
        try:
            for n in range(100):
                made.append(n)
                put(b"x")
        finally:
            stopped.set()

    async def go() -> None:
        pump = Producer(eager, Places(1, "streams"))
        await pump.first()
        pump.stop()
        assert await asyncio.to_thread(stopped.wait, 5)

    asyncio.run(go())
    assert made == [0]
