"""Sends requests at a steady rate, whatever becomes of them, and counts each that was not answered with 2xx.

Half of them open a connection each, half use connections that are kept. Of those on new connections every fifth is a
POST and every tenth takes the app 0.3 seconds. Nothing is sent twice, but for one case that is counted by itself
(``again``): a GET on a kept connection that the server closed before a byte of the answer, as every browser does (RFC
9110, 9.2.2).

The time of a request counts from when it was due, without the 0.3 seconds. Prints one line of JSON at the end, or at
SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

LIMIT = 10.0
"""Seconds that one request may take."""


class Stale(Exception):
    """The connection ended before the answer began; only on a kept one may that be."""


@dataclass
class Tally:
    """What became of the requests."""

    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    again: int = 0

    def summary(self) -> dict[str, object]:
        """All of it, times in milliseconds."""
        points = [round(1000 * point, 1) for point in quantiles(self.seconds, n=1000)] if len(self.seconds) > 1 else []
        return {
            "requests": len(self.seconds) + self.failed.total(),
            "failed": self.failed.total(),
            "why": dict(self.failed),
            "kept": self.kept,
            "again": self.again,
            "p50": points[499] if points else None,
            "p99": points[989] if points else None,
            "max": round(1000 * max(self.seconds, default=0.0), 1),
            "answers": dict(sorted(self.answers.items())),
        }


class Load:
    """One target; ``tally`` counts."""

    def __init__(self, host: str, port: int) -> None:
        self._at = host, port
        self._idle: list[Streams] = []
        self.tally = Tally()

    async def run(self, rate: float, seconds: float, stop: asyncio.Event) -> None:
        """Start ``rate`` requests a second until it is time or ``stop`` is set; then await the last answers."""
        loop = asyncio.get_running_loop()
        began, under_way = loop.time(), set[asyncio.Task[None]]()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            if stop.is_set():
                break
            task = loop.create_task(self._one(number, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        for _, writer in self._idle:
            writer.close()

    async def _one(self, number: int, due: float) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                status, body = await (self._kept() if number % 2 else self._fresh(head_of(number)))
        except (Stale, OSError, EOFError, ValueError, KeyError) as error:
            self.tally.failed[f"{type(error).__name__}: {error}"] += 1
            return
        if status // 100 == 2:  # noqa: PLR2004
            pause = 0.3 if head_of(number) == "GET /slow" else 0.0
            self.tally.seconds.append(asyncio.get_running_loop().time() - due - pause)
            self.tally.answers[body.strip()] += 1
        else:
            self.tally.failed[f"status {status}"] += 1

    async def _fresh(self, head: str) -> tuple[int, str]:
        streams = await asyncio.open_connection(*self._at)
        try:
            status, body, _ = await ask(streams, head, "close")
            return status, body
        finally:
            streams[1].close()

    async def _kept(self) -> tuple[int, str]:
        self.tally.kept += 1
        while self._idle:
            streams = self._idle.pop()
            if streams[0].at_eof() or streams[1].is_closing():
                streams[1].close()
                continue
            try:
                return await self._over(streams)
            except Stale:
                self.tally.again += 1
                break
        return await self._over(await asyncio.open_connection(*self._at))

    async def _over(self, streams: Streams) -> tuple[int, str]:
        keep = False
        try:
            status, body, keep = await ask(streams, "GET /", "keep-alive")
            return status, body
        finally:
            if keep:
                self._idle.append(streams)
            else:
                streams[1].close()


def head_of(number: int) -> str:
    """Method and path of a request, by its number; the odd ones are those on kept connections."""
    if number % 10 == 0:
        return "POST /"
    return "GET /slow" if number % 20 == 2 else "GET /"  # noqa: PLR2004


async def ask(streams: Streams, head: str, connection: str) -> tuple[int, str, bool]:
    """Send a request, read its answer: the status, the body, whether the connection stays.

    Stale where the connection ends before the first byte.
    """
    reader, writer = streams
    body = "x=1" if head.startswith("POST") else ""
    headers = f"Host: web\r\nConnection: {connection}\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head} HTTP/1.1\r\n{headers}\r\n{body}".encode())
    try:
        first = await reader.readline()
    except ConnectionError as error:
        raise Stale from error
    if not first:
        raise Stale
    answered = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        answered[name.lower()] = value.strip().lower()
    text = await reader.readexactly(int(answered["content-length"]))
    return int(first.split()[1]), text.decode(), answered.get("connection") != "close"


async def measure(host: str, port: int, rate: float, seconds: float) -> dict[str, object]:
    """The summary of ``seconds`` at ``rate``, or of less where a signal ends it."""
    load, stop = Load(host, port), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await load.run(rate, seconds, stop)
    return load.tally.summary()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.host, given.port, given.rate, given.seconds))))  # noqa: T201


if __name__ == "__main__":
    main()
