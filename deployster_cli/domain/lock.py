"""Who may change a service: one note at a time, saying whose it is and until when.

On fleet the note is a unit that is never started: submitting one creates it only where there is none, so whoever
finds its own note afterwards has the lock. A note outlives its owner only until its deadline, or not at all where the
one who finds it can see that the owner's process is dead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deployster_cli.domain.names import LOCK
from deployster_cli.domain.unitfile import STAMP_SECTION, Option

LASTS = 120
"""Seconds for which a note counts unless it is renewed. A call takes the engine seconds, of 1,000 units a minute."""

RENEW_AFTER = 20
"""Seconds after which its owner looks whether it is still there, and renews it."""

_WHOLE = re.compile("0|[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True)
class Note:
    """A lock. ``since`` and ``deadline`` are seconds since 1970; ``token`` is told to nobody else.

    ``host`` is for people. ``home`` names the kernel and the process namespace in which ``pid`` means something.
    """

    service: str
    owner: str
    host: str
    home: str
    pid: int
    token: str
    since: int
    deadline: int
    doing: str = ""

    @property
    def unit(self) -> str:
        """The name of the unit that is this note on fleet."""
        return unit_name(self.service)

    def renewed(self, now: int) -> Note:
        """The same note, good for as long again."""
        return replace(self, deadline=now + LASTS)

    def expired(self, now: int) -> bool:
        """Whether its owner has not renewed it in time."""
        return now > self.deadline

    def told(self, now: int) -> str:
        """``ann@laptop (process 4711) for 2m05s, deploying 9f88701``: whose it is, for a person."""
        minutes, seconds = divmod(max(0, now - self.since), 60)
        age = f"{minutes}m{seconds:02}s" if minutes else f"{seconds}s"
        doing = f", {self.doing}" if self.doing else ""
        return f"{self.owner} on {self.host} (process {self.pid}) for {age}{doing}"

    def options(self) -> tuple[Option, ...]:
        """The note as a unit that would do nothing if anybody ever started it."""
        facts = {
            "Lock": self.service,
            "Owner": self.owner,
            "Host": self.host,
            "Home": self.home,
            "Pid": str(self.pid),
            "Token": self.token,
            "Since": str(self.since),
            "Deadline": str(self.deadline),
            "Doing": self.doing or "-",
        }
        head = (("Unit", "Description", f"Deployster's lock on {self.service}"), ("Service", "ExecStart", "/bin/true"))
        return head + tuple((STAMP_SECTION, name, value) for name, value in facts.items())

    @classmethod
    def read(cls, options: tuple[Option, ...]) -> Note | None:
        """The note that these options write, or None where they write none."""
        found = {name: value for section, name, value in options if section == STAMP_SECTION}
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
                deadline=_whole(found["Deadline"]),
                doing="" if doing == "-" else doing,
            )
        except (KeyError, ValueError):
            return None


def _whole(text: str) -> int:
    """A number as we write it; ValueError for all else, which int takes some of."""
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return int(text)


def unit_name(service: str) -> str:
    """The unit that holds a service's lock. No instance of a service is called so: it has no ``@``."""
    return f"{LOCK}{service}.service"
