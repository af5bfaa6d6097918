"""Listeners hear of what is told after they listen, however slow they are."""

from __future__ import annotations

import asyncio
import threading

from deployster_cli.server.streams import notifier as module
from deployster_cli.server.streams.notifier import EVERYTHING, Notifier


def tell_all(notifier: Notifier, names: str) -> None:
    for name in names:
        notifier.tell("a", name)


def test_what_is_told_from_another_thread_is_heard_once() -> None:
    async def hear() -> tuple[list[str], list[str]]:
        notifier = Notifier()
        with notifier.listening("a") as listener:
            thread = threading.Thread(target=tell_all, args=(notifier, "xxy"))
            thread.start()
            await asyncio.to_thread(thread.join)
            await asyncio.sleep(0)
            return await listener.news(), await listener.news(0.01)

    assert asyncio.run(hear()) == (["x", "y"], [])


def test_other_topics_are_not_heard() -> None:
    async def hear() -> list[str]:
        notifier = Notifier()
        with notifier.listening("a") as listener:
            notifier.tell(EVERYTHING, "x")
            return await listener.news(0.01)

    assert asyncio.run(hear()) == []


def test_a_slow_listener_is_behind_by_a_bounded_number_of_names() -> None:
    async def hear() -> list[str]:
        notifier = Notifier()
        with notifier.listening() as listener:
            for n in range(3000):
                notifier.tell(EVERYTHING, str(n))
            await asyncio.sleep(0.01)
            return await listener.news()

    heard = asyncio.run(hear())
    assert (len(heard), heard[-1]) == (module._MOST_PENDING, "2999")


def test_nothing_is_kept_of_a_listener_that_left() -> None:
    async def leave() -> Notifier:
        notifier = Notifier()
        with notifier.listening("a"), notifier.listening("a"):
            pass
        return notifier

    assert asyncio.run(leave())._topics == {}


def test_a_listener_whose_loop_has_ended_holds_up_nobody() -> None:
    notifier = Notifier()

    async def forget() -> object:
        listening = notifier.listening("a")
        listening.__enter__()
        return listening

    left = asyncio.run(forget())
    notifier.tell("a", "x")
    assert left
