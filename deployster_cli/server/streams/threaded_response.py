"""What a thread makes as it comes, for a response: bounded when the reader is slow, stopped when the reader is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from deployster_cli.errors import DeploysterError
from deployster_cli.server.jobs.job import NotNow
from deployster_cli.server.jobs.worker import StopAsked

# Pieces that are made ahead of a slow reader.
MOST_AHEAD = 256

# Seconds between two looks at whether a slow reader is still there.
_LOOK = 0.2

_EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_log = logging.getLogger("deployster.server")

# Makes the pieces and hands each over as it comes. That raises where nobody wants any more, and sets the event.
Source = Callable[[threading.Event, Callable[[bytes], None]], None]


class Places:
    """How many may be made at once, each with a thread of its own; NotNow for one more."""

    def __init__(self, most: int, what: str) -> None:
        self._free = threading.Semaphore(most)
        self._told = f"{most} {what} are under way already."

    def take(self) -> None:
        """Take one; ``leave`` gives it back."""
        if not self._free.acquire(blocking=False):
            raise NotNow(self._told, "Ask again in a while.")

    def leave(self) -> None:
        """Give one back."""
        self._free.release()


class Producer:
    """Runs a source in a thread. Its place is given back when the thread has ended, however late that is."""

    def __init__(self, source: Source, places: Places) -> None:
        self._source = source
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._room = threading.Semaphore(MOST_AHEAD)
        self._pieces: deque[bytes | BaseException | None] = deque()
        self._something = asyncio.Event()
        places.take()
        threading.Thread(target=self._run, name="stream", daemon=True).start()

    async def first(self) -> bytes | None:
        """Return the first piece, None where there is none; raises what ended the source before it made one."""
        try:
            return await self._next()
        except BaseException:
            self.stop()
            raise

    async def rest(self, first: bytes | None) -> AsyncIterator[bytes]:
        """``first`` and all others."""
        piece = first
        while piece is not None:
            if piece:
                yield piece
            piece = await self._next()

    def stop(self) -> None:
        """Nobody wants any more: the source ends, and tidies up, in its thread."""
        self._stop.set()

    async def _next(self) -> bytes | None:
        while not self._pieces:
            self._something.clear()
            await self._something.wait()
        piece = self._pieces.popleft()
        self._room.release()
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def _run(self) -> None:
        end: BaseException | None = None
        try:
            self._source(self._stop, self._put)
        except (KeyboardInterrupt, DeploysterError) as error:
            end = None if self._stop.is_set() else error
        except Exception as error:
            _log.exception("a fault in deployster itself, in a stream")
            end = error
        finally:
            self._places.leave()
            self._hand(end)

    def _put(self, piece: bytes) -> None:
        """Hand a piece over as soon as there is room; StopAsked where nobody wants it any more."""
        room = False
        while not room:
            if self._stop.is_set():
                raise StopAsked
            room = self._room.acquire(timeout=_LOOK)
        self._hand(piece)

    def _hand(self, piece: bytes | BaseException | None) -> None:
        self._pieces.append(piece)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._something.set)


class Events(StreamingResponse):
    """Server-sent events; NotNow where there is no place for one more such stream."""

    def __init__(self, places: Places, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=_EVENT_HEADERS)
        self._places = places
        places.take()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them, as long as the client is there."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._places.leave()


class ThreadedResponse(StreamingResponse):
    """A response of what a producer brings, which stops it however it ends."""

    def __init__(self, producer: Producer, first: bytes | None, media_type: str) -> None:
        super().__init__(producer.rest(first), media_type=media_type, headers={"X-Accel-Buffering": "no"})
        self._producer = producer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as long as the client is there."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._producer.stop()
