"""How an engine asks a person whether a machine is the one it should be. Nobody is asked where no command said so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import NamedTuple


class HostKey(NamedTuple):
    """The ssh host key that a machine shows: ``host`` as known_hosts files write it (``10.0.0.1``,
    ``[10.0.0.1]:2222``), ``kind`` (``ECDSA``) and its fingerprints, ``sha256`` empty where only the other is known.
    """

    host: str
    kind: str
    md5: str
    sha256: str = ""

    @property
    def shown(self) -> str:
        """The fingerprints on one line, the better one first."""
        return f"SHA256:{self.sha256} ({self.kind}, MD5 {self.md5})" if self.sha256 else f"MD5 {self.md5} ({self.kind})"

    @property
    def compare(self) -> str:
        """What shows the same fingerprint on the machine itself."""
        kind = self.kind.lower().removeprefix("ssh-").rstrip("0123456789") if "25519" not in self.kind else "ed25519"
        form = "" if self.sha256 else "-E md5 "
        return f"ssh-keygen {form}-lf /etc/ssh/ssh_host_{kind}_key.pub"


class Asking(NamedTuple):
    """Who decides about unknown host keys. ``yes`` shows one to a person and tells whether it is to be trusted.

    ``machines``: for the cluster's machines too. Without it only for the tunnel's, whose key is met by a run's first
    call: later on, in the midst of a rollout, nothing may stop for a question.
    """

    yes: Callable[[HostKey], bool]
    machines: bool = False


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


@contextlib.contextmanager
def asked(asking: Asking) -> Iterator[None]:
    """Within this, in this thread, a person decides about unknown host keys."""
    token = _asking.set(asking)
    try:
        yield
    finally:
        _asking.reset(token)


def asking(*, machine: bool) -> Asking | None:
    """Who decides now about a tunnel's or a ``machine``'s unknown key; None where nobody is there to ask."""
    found = _asking.get()
    return found if found and (found.machines or not machine) else None
