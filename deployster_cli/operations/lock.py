"""Holding a service's lock while it is changed: taken, kept, given back, or Locked with whose it is."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain.events import LockHeld
from deployster_cli.domain.lock import LASTS, RENEW_AFTER, Note
from deployster_cli.engines.base import Engine
from deployster_cli.errors import EngineError, EngineUnreachable, Locked
from deployster_cli.operations.clock import Clock

LOOK_EVERY = 2.0
"""Seconds between two looks at a lock that somebody else has."""

LOOK_AGAIN = 0.5
"""Seconds after which an abandoned note must still be there: its owner may just have ended well and given it back."""

GIVING_BACK = 3
"""Tries to give a lock back to an engine that fails quickly: nobody else can change the service until it runs out."""

NAMELESS = 100
"""Looks in a row at which a lock may be taken and have no note: whoever takes it writes the note a moment later."""

TAKE_OVER = 3.0
"""Seconds until a lock that was taken over counts: if its owner is alive after all, it puts its note back by then."""


_LEFT = f"If this run's lock was left there, it keeps others out for {LASTS} s at most."


class Held:
    """A lock that is ours. ``keep`` is called after every listing: it renews the note, and sees that it is ours."""

    def __init__(self, engine: Engine, note: Note, clock: Clock) -> None:
        self._engine = engine
        self._note = note
        self._clock = clock
        self._looked_at = note.since  # and not now: a plan was made while it was being taken, which may have lasted

    @property
    def shown(self) -> bool:
        """Whether the last listing had our note."""
        return self._engine.locks.shown(self._note)

    def keep(self) -> None:
        """Locked where somebody else has taken the lock over; renews it where that is due."""
        now = self._clock.epoch()
        if not self.shown:
            self._check(now)
        elif not 0 <= now - self._looked_at < RENEW_AFTER:  # below 0 where the wall clock was set back
            self._renew(now)

    def _check(self, now: int) -> None:
        """The listing lacks our note: it was short, or somebody unlocked, or wrote over it, or took it over.

        A note that wrote over ours although ours was still good is not established yet: putting ours back tells its
        owner so. One that came when ours had run out, or is older than ours, has the better right; of two that are as
        old, the one whose token is the lesser, which both owners find.
        """
        found, ours = self._engine.locks.read(self._note.service), self._note
        older = found and (found.since, found.token) < (ours.since, ours.token)
        if found and found.token != ours.token and (older or ours.expired(now)):
            raise Locked(
                f"{self._note.service} was taken over by {found.told(now)}: this run stops here.",
                "Nothing was undone; what is left to do is that run's now.",
            )
        self._renew(now)

    def _renew(self, now: int) -> None:
        self._note = self._note.renewed(now)
        self._engine.locks.put(self._note, replace=True)
        self._looked_at = now

    def ensure(self) -> None:
        """Called before each request of a rollout."""

    def release(self) -> None:
        """Give the lock back, if it is still ours. An engine that can't be asked leaves it to run out, and so does
        somebody who presses Ctrl-C once more: whatever ended the run before is what they should hear of.
        """
        with contextlib.suppress(KeyboardInterrupt):
            for _ in range(GIVING_BACK):
                began = self._clock.now()
                if self._given_back() or self._clock.now() - began > LOOK_EVERY:
                    return  # or the engine is silent for long: whoever waits for our end is not to wait thrice for it
                self._clock.sleep(LOOK_AGAIN)

    def _given_back(self) -> bool:
        """Whether it is ours no more, as far as the engine answers."""
        try:
            found = self._engine.locks.read(self._note.service)
            if found and found.token == self._note.token:
                self._engine.locks.drop(self._note.service)
        except EngineError:
            return False
        return True


def new_note(service: str, owner: str, doing: str, clock: Clock) -> Note:
    """A note of this process."""
    now = clock.epoch()
    return Note(
        service=service,
        owner=owner.partition("@")[0] or "?",
        host=socket.gethostname(),
        home=_home(),
        pid=os.getpid(),
        token=secrets.token_hex(8),
        since=now,
        deadline=now + LASTS,
        doing=doing,
    )


def take(
    engine: Engine, note: Note, clock: Clock, wait: float, meanwhile: Callable[[], None] = lambda: None
) -> Generator[LockHeld, None, Held]:
    """The lock, as soon as it can be had; LockHeld once if it has to be waited for, Locked after ``wait`` seconds.

    An engine that does not answer is waited for just as long. The note that is put in begins when it is put in.
    ``meanwhile`` is called while nobody can tell yet whether it stays, for what changes nothing; see ``_put``.
    """
    began, told, nameless = clock.now(), False, 0
    while True:
        try:
            note, found = _look(engine, note, clock, meanwhile)
        except EngineUnreachable:
            if clock.now() - began >= wait:
                raise
            clock.sleep(LOOK_EVERY)
            continue
        if found and found.token == note.token:
            return Held(engine, note, clock)
        nameless = 0 if found else nameless + 1
        if clock.now() - began >= wait and (found or nameless >= NAMELESS):
            raise _locked(note.service, found, clock.epoch())
        if found and not told:
            told = True
            yield LockHeld(found.told(clock.epoch()))
        clock.sleep(LOOK_EVERY if found else 0.1)


def _locked(service: str, by: Note | None, now: int) -> Locked:
    if by is None:
        hint = "Try again. If it stays so, look for a deployster that hangs or is stopped."
        return Locked(f"{service} is locked, and nobody says by whom.", hint)
    hint = f"Wait for it with --lock-wait 5m, or, if nobody is at it, deployster unlock {service}."
    return Locked(f"{service} is locked by {by.told(now)}.", hint)


def _look(engine: Engine, note: Note, clock: Clock, meanwhile: Callable[[], None]) -> tuple[Note, Note | None]:
    """Our note as it is by now, and the one that is there: ours, where there was none or an abandoned one."""
    found = engine.locks.read(note.service)
    if found and not abandoned(found, clock.epoch()):
        return note, found
    if found:
        clock.sleep(LOOK_AGAIN)
        if engine.locks.read(note.service) != found:
            return note, found
        engine.locks.drop(note.service)
    now = clock.epoch()
    note = replace(note, since=now, deadline=now + LASTS)
    try:
        _put(engine, note, clock, None if found else meanwhile)
        return note, engine.locks.read(note.service)
    except BaseException as error:
        Held(engine, note, clock).release()
        if isinstance(error, EngineUnreachable):
            error.hint = f"{error.hint} {_LEFT}".lstrip()
        raise


def _put(engine: Engine, note: Note, clock: Clock, meanwhile: Callable[[], None] | None) -> None:
    """Put the note in and wait until it counts, which is longer where it is taken over (``meanwhile`` None).

    Whoever had the lock before gave it back before our note could be put in, and whoever else gets it now changes
    nothing before ours would have been read back. So what is seen meanwhile is as good as what is seen afterwards, if
    the note turns out to be ours; not so after a take-over, where the owner may be alive and at work until then.
    """
    wait = engine.locks.put(note)
    counts = clock.now() + (wait if meanwhile else max(wait, TAKE_OVER))
    if meanwhile and wait:
        meanwhile()
    clock.sleep(max(0.0, counts - clock.now()))


def abandoned(note: Note, now: int) -> bool:
    """Whether its owner can't be alive: it has not renewed it, or it is a process of ours that is dead."""
    return note.expired(now) or dead(note)


def dead(note: Note) -> bool:
    """Whether its owner is a process of this very kernel and process namespace that is no more."""
    return note.home == _home() and not _alive(note.pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # the latter for a number that no process has
        return False
    except PermissionError:
        return True
    return True


def _home() -> str:
    """This kernel and this process namespace: two containers may share a host's name, and then a pid means nothing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return secrets.token_hex(16)
