"""Locks on machines any of which may die: a file a service on each, and whose it is on more than half of them has it.

A file is made only where there is none, so no two runs ever have more than half. Where several came at once and none
has, all but one take theirs back: the one that got most of them, of two as many the one with the lower token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from deployster_cli.domain.lock import Note
from deployster_cli.domain.units.unitfile import parse_options, write_options
from deployster_cli.engines.ssh import scripts
from deployster_cli.engines.ssh.cluster import Cluster, Listing
from deployster_cli.engines.ssh.hosts import Host
from deployster_cli.engines.ssh.notes import ended_of, lock_of
from deployster_cli.engines.ssh.parse import named
from deployster_cli.engines.ssh.results import Answer
from deployster_cli.errors import InvalidInput, TemplateFault

_TRIES = 8

# How often, and with how many seconds in between, the one that is first among several asks for what the others had.
_PAUSE = 0.15


# Seconds behind a claim for which its answer is as good as a new one: nobody takes a lock away that was just taken.
_STILL_SO = 0.2


@dataclass(frozen=True, slots=True)
class Votes:
    """The notes that the machines have, one each that has any. ``most`` is how many decide."""

    notes: tuple[Note, ...]
    most: int

    @property
    def leading(self) -> Note | None:
        """The note that is on most machines; of two as many the one with the lower token. The latest of its copies."""
        tokens = [note.token for note in self.notes]
        if not tokens:
            return None
        first = min(set(tokens), key=lambda token: (-tokens.count(token), token))
        return max((note for note in self.notes if note.token == first), key=lambda note: note.beat)

    @property
    def decided(self) -> bool:
        """Whether somebody has the lock."""
        leading = self.leading
        return leading is not None and sum(note.token == leading.token for note in self.notes) >= self.most


class SshLocks:
    """engines.base.Locks over the machines' files."""

    def __init__(self, cluster: Cluster, last: Callable[[], Listing]) -> None:
        self._cluster = cluster
        self._last = last
        self._claimed: tuple[float, Note] | None = None
        self._ended: set[str] = set()

    def caveat(self) -> str:
        """Those that leave out these machines, where these are half of all or fewer.

        InvalidInput where a machine that is left out answers: who leaves out others may be at work there.
        """
        cluster = self._cluster
        if not cluster.without:
            return ""
        listings = dict.fromkeys(cluster.without, scripts.LIST)
        found = cluster.links.each(listings, cluster.options.read_timeout, "look")
        fine = [host.name for host, outcome in found.items() if isinstance(outcome, Answer) and not outcome.code]
        if fine:
            raise InvalidInput(
                f"{fine[0]} answers, so it can't be left out: nothing was changed.",
                "Run it again without --without. To do without it for good, take it out of machines in [ssh].",
            )
        if len(cluster.hosts) > len(cluster.options.machines) // 2:
            return ""
        left, here = (", ".join(host.name for host in hosts) for hosts in (cluster.without, cluster.hosts))
        return f"Without {left} the lock is on {here} alone: see to it that nobody leaves that out at the same time."

    def put(self, note: Note, *, replace: bool = False) -> float:
        """Put a note in where there is none, or over the one there is. It can be read back at once: 0."""
        path = lock_of(note.service)
        text = write_options(note.options())
        if replace:
            self._write(scripts.write_notes({path: text}))
            return 0.0
        self._claimed = None
        for _ in range(_TRIES):
            body = scripts.claim(path, text, ended_of(note.service), sorted(self._ended))
            votes = self._votes(self._write(body), note.service)
            if votes.decided or votes.leading is None or votes.leading.token != note.token:
                break
            time.sleep(_PAUSE)
        if votes.decided and votes.leading and votes.leading.token == note.token:
            self._claimed = time.monotonic(), votes.leading
        else:
            self.end(note)
        return 0.0

    def read(self, service: str) -> Note | None:
        """Return the note of who has the lock; where nobody has, of who is nearest to it. Right behind a claim that was
        heard by more than half of the machines, it is what they answered then.
        """
        claimed, self._claimed = self._claimed, None
        if claimed and claimed[1].service == service and time.monotonic() - claimed[0] < _STILL_SO:
            return claimed[1]
        body = scripts.read_notes([lock_of(service), ended_of(service)])
        return self._votes(self._cluster.most_of(body, self._cluster.options.read_timeout, "read"), service).leading

    def drop(self, service: str) -> None:
        """Take the note out, whosever it is."""
        self._write(scripts.drop_lock(lock_of(service)))

    def end(self, note: Note) -> bool:
        """Take the note out where it is this one, and have the machines keep that it is nobody's any more."""
        self._claimed = None
        self._ended.add(note.token)
        self._write(scripts.end_lock(lock_of(note.service), ended_of(note.service), note.token))
        return True

    def shown(self, note: Note) -> bool:
        """Whether more than half of the machines had this very note when they were listed last."""
        last = self._last()
        path = lock_of(note.service)
        texts = [found.notes[path] for found in last.machines.values() if path in found.notes]
        return sum(each == note for each in _read(texts)) >= self._cluster.most

    def _write(self, body: str) -> Mapping[Host, Answer]:
        return self._cluster.most_of(body, self._cluster.options.write_timeout, "lock")

    def _votes(self, answers: Mapping[Host, Answer], service: str) -> Votes:
        copies = [named(list(answer.parts), "note") for answer in answers.values()]
        self._ended.update(*(copy.get(ended_of(service), "").split() for copy in copies))
        notes = _read(copy[lock_of(service)] for copy in copies if lock_of(service) in copy)
        return Votes(tuple(note for note in notes if note.token not in self._ended), self._cluster.most)


def _read(texts: Iterable[str]) -> Iterable[Note]:
    for text in texts:
        try:
            note = Note.read(parse_options(text))
        except TemplateFault:
            continue
        if note:
            yield note
