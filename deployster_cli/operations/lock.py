"""Holding a service's lock while it is changed: taken, kept, given back, or Locked with whose it is.

No wall clock decides anything here. An owner counts its note's life on its own clock from before it put it in, and a
taker from when it first saw that very note, so the owner's ends first; and past it the owner reads before it writes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from deployster_cli.domain.events import LockHeld, Noticed, Tell
from deployster_cli.domain.lock import LASTS, RENEW_AFTER, SURE_FOR, Note, Sighting, sighted
from deployster_cli.engines.base import Engine
from deployster_cli.engines.process.kin import alive
from deployster_cli.errors import DeploysterError, EngineError, EngineUnreachable, Interrupted, Locked
from deployster_cli.operations.clock import Clock
from deployster_cli.operations.undisturbed import undisturbed

# Seconds between two looks at a lock that somebody else has.
LOOK_EVERY = 2.0

# Seconds after which an abandoned note must still be there: its owner may just have ended well and given it back.
LOOK_AGAIN = 0.5

# Tries to give a lock back to an engine that fails quickly: nobody else can change the service until it is gone.
GIVING_BACK = 3

# Looks in a row at which a lock may be taken and have no note: whoever takes it writes the note a moment later.
NAMELESS = 100

# Seconds until a lock that was taken over counts: if its owner is alive after all, it puts its note back by then.
TAKE_OVER = 3.0

# Seconds after which no run that wanted the lock at the same time can still be about to write over our note.
ESTABLISHED = 15.0

# The life of a note for a person, and what to wait for a lock so that it is taken over if it is abandoned.
_LASTS, _WAIT = f"{LASTS // 60}m", f"{LASTS // 60 + 1}m"


class Held:
    """A lock that is ours, its note put in at ``put_at`` or later. ``keep`` is called after every listing, ``ensure``
    before every request: they renew the note, and see that it is ours.
    """

    def __init__(self, engine: Engine, note: Note, clock: Clock, put_at: float | None = None) -> None:
        self._engine = engine
        self._note = note
        self._clock = clock
        self._put_at = self._began = clock.now() if put_at is None else put_at
        self._under_way = False
        self._lost = False

    @property
    def shown(self) -> bool:
        """Whether the last listing had our note."""
        return self._engine.locks.shown(self._note)

    def keep(self) -> None:
        """Locked where somebody else has taken the lock over; renews it where that is due."""
        if self._due or not self.shown:
            self._look()

    def ensure(self) -> None:
        """Do the same for who has no listing; where nothing is due it only looks at the clock.

        It returns only while the lock is surely ours: this process may be stopped during the look itself.
        """
        if self._due:
            self._look()
        while self._over:
            self._look()

    @property
    def _due(self) -> bool:
        return self._clock.now() - self._put_at >= RENEW_AFTER

    @property
    def _over(self) -> bool:
        """Whether others may count our note as abandoned by now, so that it is ours only if we find it."""
        return self._clock.now() - self._put_at > SURE_FOR

    def _look(self) -> None:
        """Read the note and renew it. Where the listing lacked it, it was short, or somebody unlocked or wrote over it.

        A note that wrote over ours although ours was just put in is not established yet: putting ours back tells its
        owner so, unless it has the better right. Later on there is another one only where ours was taken away.
        """
        found, asked = self._read()
        ours, settled = self._note, self._clock.now() - self._began > ESTABLISHED
        if found and found.token != ours.token and (settled or ours.yields_to(found)):
            raise self._taken_over(found)
        if found is None and self._over:
            raise self._gone()
        if found != ours or self._due:
            self._renew(asked, missing=found is None)

    def _read(self) -> tuple[Note | None, float]:
        """Return the note as it is now, and when it was asked for. Where our life is over, an answer that was long in
        coming is of no use: another run may have come, and be done, since.
        """
        for _ in range(2):  # the first may have been long in coming because this process was stopped
            asked = self._clock.now()
            found = self._engine.locks.read(self._note.service)
            if not self._over or self._clock.now() - asked <= TAKE_OVER:
                return found, asked
        raise EngineUnreachable(
            f"The engine takes too long to say whose lock that on {self._note.service} is by now.",
            "Run the same command again: it continues from what it finds.",
        )

    def _renew(self, asked: float, *, missing: bool) -> None:
        """Put the note in again. One that was ``missing`` may have been ended: it can be put in, and does not count."""
        self._note = self._note.renewed()
        began = self._clock.now()
        wait = self._put()
        late, self._put_at = self._over, began
        if late or missing:
            self._confirm(max(wait, _answered_within(self._clock.now() - asked)) if late else wait)

    def _put(self) -> float:
        self._under_way = True
        wait = self._engine.locks.put(self._note, replace=True)
        self._under_way = False
        return wait

    def _confirm(self, wait: float) -> None:
        """See whose the lock is after a note that was put in late: another run may have taken over in between."""
        self._clock.sleep(wait)
        found = self._engine.locks.read(self._note.service)
        if found is None:
            raise self._gone()
        if found.token != self._note.token:
            raise self._taken_over(found)

    def _taken_over(self, found: Note) -> Locked:
        self._lost = True
        return Locked(
            f"{found.service} was taken over by {found.told(self._clock.epoch())}: this run stops here.",
            "Nothing was undone; what is left to do is that run's now.",
        )

    def _gone(self) -> Locked:
        self._lost = True
        service = self._note.service
        return Locked(
            f"The lock of {service} was gone when this run came back to it: it stops here.",
            f"Nothing was undone. Somebody else may have changed it meanwhile: see deployster units {service}.",
        )

    def release(self) -> str:
        """Give the lock back, if it is still ours; one sentence where it may have been left, else nothing.

        No signal stops it. It ends all the same: HURRY seconds after one, and where the engine is silent.
        """
        if self._lost or undisturbed(self._give_back):
            return ""
        service = self._note.service
        return (
            f"This run's lock on {service} could not be given back: it keeps other machines' runs out until they have "
            f"waited {_LASTS} for it (--lock-wait {_WAIT}), or until deployster unlock {service}."
        )

    def _give_back(self) -> bool:
        """Whether it is ours no more, as far as the engine answers."""
        if self._under_way:
            self._wait()  # a call that was cut off may still come to something
        for _ in range(GIVING_BACK):
            began = self._clock.now()
            if self._given_back():
                return True
            if self._clock.now() - began > LOOK_EVERY:
                return False  # the engine is silent for long: whoever waits for our end is not to wait thrice for it
            self._wait()
        return False

    def _wait(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):  # of a server's clock, which is stopped once
            self._clock.sleep(LOOK_AGAIN)

    def _given_back(self) -> bool:
        try:
            if not self._engine.locks.end(self._note) and self._there:
                self._drop()
        except EngineError:
            return False
        return True

    def _drop(self) -> None:
        """Take the note away. Where that is refused it may have been done all the same: another look tells."""
        try:
            self._engine.locks.drop(self._note.service)
        except EngineUnreachable:
            raise
        except EngineError:
            if self._there:
                raise

    @property
    def _there(self) -> bool:
        """Whether the note is still ours, by a look of now."""
        found, _ = self._read()
        return found is not None and found.token == self._note.token


def with_word(error: BaseException, left: str) -> BaseException:
    """Return the error that ended a run, with the word that its lock was left behind; what is no more than a signal
    becomes Interrupted.
    """
    match error:
        case DeploysterError() if left:
            error.hint = f"{error.hint} {left}".lstrip()
        case KeyboardInterrupt() if left:
            return Interrupted("Interrupted.", left, signal=getattr(error, "signal", 2))
    return error


def new_note(service: str, owner: str, doing: str, clock: Clock) -> Note:
    """Return a note of this process."""
    return Note(
        service=service,
        owner=owner.partition("@")[0] or "?",
        host=socket.gethostname(),
        home=_home(),
        pid=os.getpid(),
        token=secrets.token_hex(8),
        since=clock.epoch(),
        doing=doing,
    )


@contextlib.contextmanager
def hold(
    engine: Engine, note: Note, clock: Clock, wait: float, *, tell: Tell, meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Held]:
    """Hold the lock while something is done, and give it back whatever happens; see ``take``."""
    try:
        if remark := engine.locks.caveat():
            tell(Noticed(remark))
        held = take(engine, note, clock, wait, tell=tell, meanwhile=meanwhile)
    except EngineUnreachable as error:
        error.message = f"{error.message.rstrip('.')}. Nothing was started."
        raise
    try:
        yield held
    except BaseException as error:
        raise with_word(error, held.release()) from error.__cause__
    if left := held.release():
        tell(Noticed(left))


def take(
    engine: Engine, note: Note, clock: Clock, wait: float, *, tell: Tell, meanwhile: Callable[[], None] = lambda: None
) -> Held:
    """Take the lock as soon as it can be had; LockHeld once if it has to be waited for, Locked after ``wait`` seconds.

    An engine that does not answer is waited for just as long. The note that is put in begins when it is put in.
    ``meanwhile`` is called while nobody can tell yet whether it stays, for what changes nothing; see ``_put``.
    """
    taker = _Taker(engine, note, clock, meanwhile)
    began, told, nameless = clock.now(), False, 0
    while True:
        try:
            found = taker.look()
        except EngineUnreachable:
            if clock.now() - began >= wait:
                raise
            clock.sleep(LOOK_EVERY)
            continue
        if found and (found.token == note.token or found.token in taker.put_at):
            return Held(engine, found, clock, taker.put_at.get(found.token, began))
        nameless = 0 if found else nameless + 1
        if clock.now() - began >= wait and (found or nameless >= NAMELESS):
            raise _locked(note.service, found, clock.epoch())
        if found and not told:
            told = True
            tell(LockHeld(found.told(clock.epoch())))
        clock.sleep(LOOK_EVERY if found else 0.1)


def _locked(service: str, by: Note | None, now: int) -> Locked:
    if by is None:
        hint = "Try again. If it stays so, look for a deployster that hangs or is stopped."
        return Locked(f"{service} is locked by an unknown run.", hint)
    hint = (
        f"Wait for it with --lock-wait {_WAIT}: a lock that nobody renews for {_LASTS} is taken over. "
        f"Or, if nobody is at it, deployster unlock {service}."
    )
    return Locked(f"{service} is locked by {by.told(now)}.", hint)


class _Taker:
    """Somebody who wants a lock. ``put_at`` is when each of its notes was put in, by their tokens."""

    def __init__(self, engine: Engine, note: Note, clock: Clock, meanwhile: Callable[[], None]) -> None:
        self._engine = engine
        self._note = note
        self._clock = clock
        self._meanwhile = meanwhile
        self._sighting: Sighting | None = None
        self.put_at: dict[str, float] = {}

    def look(self) -> Note | None:
        """Return the note that is there: ours, where there was none or an abandoned one."""
        found, asked = self._read()
        if found and not self._abandoned(found):
            return found
        if found:
            self._clock.sleep(LOOK_AGAIN)
            again, asked = self._read()
            if again != found or self._clock.now() - asked > TAKE_OVER:
                return again  # changed, or not known to be as it was
            self._engine.locks.drop(found.service)
        return self._put_in(found, asked)

    def _read(self) -> tuple[Note | None, float]:
        """Return the note, and when it was asked for; seen once more as it is, or for the first time."""
        asked = self._clock.now()
        found = self._engine.locks.read(self._note.service)
        self._sighting = sighted(self._sighting, found, asked, self._clock.now()) if found else None
        return found, asked

    def _abandoned(self, found: Note) -> bool:
        return dead(found) or (self._sighting is not None and self._sighting.abandoned)

    def _put_in(self, abandoned: Note | None, asked: float) -> Note | None:
        """Put our note in and see whose is there when it counts. One that was given back is never put in again: copies
        of it do not count any more.
        """
        token = secrets.token_hex(8) if self.put_at else self._note.token
        note = replace(self._note, since=self._clock.epoch(), token=token)
        note = note.over(abandoned) if abandoned else note
        self.put_at[token] = self._clock.now()
        try:
            self._put(note, asked, over=abandoned is not None)
            return self._found(note, abandoned)
        except BaseException as error:
            unsure = Held(self._engine, note, self._clock)
            unsure._under_way = True
            raise with_word(error, unsure.release()) from None

    def _found(self, note: Note, abandoned: Note | None) -> Note | None:
        """Whose note is there by now; where it is ours, one whose place it took counts nowhere any more."""
        found = self._engine.locks.read(note.service)
        if abandoned and found and found.token == note.token:
            self._engine.locks.end(abandoned)
        return found

    def _put(self, note: Note, asked: float, *, over: bool) -> None:
        """Put the note in and wait until it counts, which is longer where it is taken over.

        Whoever had the lock before gave it back before our note could be put in, and whoever else gets it now changes
        nothing before ours would have been read back. So what is seen meanwhile is as good as what is seen afterwards,
        if the note turns out to be ours; not so after a take-over, where the owner may be alive and at work until then.
        """
        wait, ended = self._engine.locks.put(note), self._clock.now()
        if wait and not over:
            self._meanwhile()
        counts = ended + (max(wait, _answered_within(ended - asked)) if over else wait)
        self._clock.sleep(max(0.0, counts - self._clock.now()))


def _answered_within(took: float) -> float:
    """Seconds until an owner that is alive has put its note back, when ours was put in so long after the last reading.

    Where that took long, somebody else may have taken the lock properly meanwhile, be at work, and look rarely.
    """
    return TAKE_OVER if took <= TAKE_OVER else RENEW_AFTER + TAKE_OVER


def dead(note: Note) -> bool:
    """Whether its owner is a process of this very kernel and process namespace that is no more."""
    return note.home == _home() and not alive(note.pid)


def _home() -> str:
    """Return this kernel and this process namespace: two containers may share a host's name, and then a pid means
    nothing.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return secrets.token_hex(16)
