"""Who gets a place when there are too many connections: strangers give way, the logged-in do not."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass

import pytest
from starlette.types import Message, Receive, Scope, Send

from deployster_cli.server.connections import MOST_CONNECTIONS, OUTSIDE, SPARE_FILES, Crowd, Full, room


@dataclass(eq=False)
class Somebody:
    """A connection."""

    let_in: bool = False
    gone: bool = False

    def cut_off(self) -> None:
        self.gone = True


def entered(most: int, *guests: Somebody, outside: int = 2) -> Crowd:
    full = Crowd(most, outside)
    for guest in guests:
        full.enter(guest)
    return full


def test_the_first_stranger_makes_room() -> None:
    known, first, second = Somebody(let_in=True), Somebody(), Somebody()
    place = entered(3, known, first, second).enter(Somebody())
    assert (place, known.gone, first.gone, second.gone) == (True, False, True, False)


def test_where_all_are_let_in_who_comes_stays_outside() -> None:
    known = Somebody(let_in=True)
    assert (entered(1, known).enter(Somebody()), known.gone) == (False, False)


def test_outside_too_the_first_makes_room() -> None:
    first, second, third = Somebody(), Somebody(), Somebody()
    entered(1, Somebody(let_in=True), first, second, third)
    assert (first.gone, second.gone, third.gone) == (True, False, False)


def test_who_leaves_gives_the_place_back() -> None:
    known = Somebody(let_in=True)
    full = entered(1, known)
    full.leave(known)
    assert full.enter(Somebody())


@pytest.mark.parametrize(
    ("soft", "hard", "places", "raised"),
    [
        (1024, 1_000_000, MOST_CONNECTIONS, [(MOST_CONNECTIONS + SPARE_FILES, 1_000_000)]),
        (1024, resource.RLIM_INFINITY, MOST_CONNECTIONS, [(MOST_CONNECTIONS + SPARE_FILES, resource.RLIM_INFINITY)]),
        (1_000_000, 1_000_000, MOST_CONNECTIONS, []),
        (1024, 1024, 1024 - SPARE_FILES, []),
        (64, 128, 64, [(128, 128)]),
    ],
)
def test_there_are_no_more_places_than_files(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, places: int, raised: list[tuple[int, int]]
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert (room(), asked) == (places, raised)


@pytest.mark.parametrize(("path", "status"), [("/v1/units", 503), ("/healthz", 200)])
def test_outside_only_the_health_is_answered(path: str, status: int) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing() -> Message:
        raise AssertionError

    asyncio.run(Full(app)({"type": "http", "path": path, "headers": [], OUTSIDE: True}, nothing, send))
    assert sent[0]["status"] == status
