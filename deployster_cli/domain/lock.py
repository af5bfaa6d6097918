"""Who may change a service: one note at a time, saying whose it is.

On fleet the note is a unit that is never started: submitting one creates it only where there is none, so whoever
finds its own note afterwards has the lock. Its owner changes it again and again while it lives. So whoever has seen
the very same note for long enough by its own clock knows that the owner lives no more, and no two clocks have to agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deployster_cli.domain.units.names import LOCK
from deployster_cli.domain.units.unitfile import Option, facts_of, idle

# Seconds for which the same note has to be seen until it counts as abandoned. A call takes the engine seconds, of 1,000
# units a minute.
LASTS = 120

# Seconds for which an owner may rely on its note unread, from before it was put in. It is less than LASTS so that what
# it asks of the engine until then is done, as a rule, before others may take the note for abandoned.
SURE_FOR = 90

# Seconds after which its owner looks whether it is still there, and renews it.
RENEW_AFTER = 20

_WHOLE = re.compile("0|[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Note:
    """A lock. ``beat`` grows with each renewal; ``token`` is told to nobody else.

    ``host`` and ``since``, seconds since 1970 by its owner's clock, are for people. ``home`` names the kernel and the
    process namespace in which ``pid`` means something.
    """

    service: str
    owner: str
    host: str
    home: str
    pid: int
    token: str
    since: int
    beat: int = 0
    doing: str = ""

    @property
    def unit(self) -> str:
        """The name of the unit that is this note on fleet."""
        return unit_name(self.service)

    def renewed(self) -> Note:
        """Return the same note, and yet another one to whoever waits for it to change."""
        return replace(self, beat=self.beat + 1)

    def over(self, before: Note) -> Note:
        """Return this note when it takes the place of an abandoned one: should its owner wake up, it has the lesser
        right.
        """
        return replace(self, beat=before.beat + 1)

    def yields_to(self, other: Note) -> bool:
        """Whether the other, which has taken this one's place, has the better right.

        That is the one that has been renewed more often. Where both have been as often it is this one: nobody finds
        another's note in the place of its own unless its own was there first.
        """
        return other.beat > self.beat

    def told(self, now: int) -> str:
        """``ann@laptop (process 4711) for 2m05s, deploying 9f88701``: whose it is, for a person."""
        minutes, seconds = divmod(max(0, now - self.since), 60)
        age = f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"
        doing = f", {self.doing}" if self.doing else ""
        return f"{self.owner} on {self.host} (process {self.pid}) for {age}{doing}"

    def options(self) -> tuple[Option, ...]:
        """Return the note as a unit that is never started."""
        facts = {
            "Lock": self.service,
            "Owner": self.owner,
            "Host": self.host,
            "Home": self.home,
            "Pid": str(self.pid),
            "Token": self.token,
            "Since": str(self.since),
            "Beat": str(self.beat),
            "Doing": self.doing or "-",
        }
        return idle(f"Deployster's lock on {self.service}", facts)

    @classmethod
    def read(cls, options: tuple[Option, ...]) -> Note | None:
        """Return the note that these options write, or None where they write none."""
        found = facts_of(options)
        try:
            doing = found["Doing"]
            return cls(
                service=found["Lock"],
                owner=found["Owner"],
                host=found["Host"],
                home=found["Home"],
                pid=_whole(found["Pid"]),
                token=found["Token"],
                since=_whole(found["Since"]),
                beat=_whole(found["Beat"] if "Beat" in found else found["Deadline"]),  # as 1.0.0 has it
                doing="" if doing == "-" else doing,
            )
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A note that somebody else has: for how many seconds it has been seen as it is, and when it was asked for last."""

    note: Note
    at: float
    seconds: float = 0.0

    @property
    def abandoned(self) -> bool:
        """Whether its owner would have renewed it by now if it were alive."""
        return self.seconds >= LASTS


def sighted(before: Sighting | None, note: Note, asked: float, answered: float) -> Sighting:
    """Return the sighting of a note that was asked for and answered then, by the clock of who looks.

    The time counts from the first answer to the last asking: in between it was there for certain. Between two looks it
    counts for no longer than a renewal takes: where the looker slept, or could not look, its owner may have as well.
    """
    if before is None or before.note != note:
        return Sighting(note, answered)
    return Sighting(note, asked, before.seconds + min(asked - before.at, RENEW_AFTER))


def _whole(text: str) -> int:
    """Return a number as we write it; ValueError for all else, which int takes some of."""
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return int(text)


def unit_name(service: str) -> str:
    """Return the unit that holds a service's lock. No instance of a service is called so: it has no ``@``."""
    return f"{LOCK}{service}.service"
