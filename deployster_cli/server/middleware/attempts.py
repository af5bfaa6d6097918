"""How many wrong passwords came from where, and who has to wait for it. Memory is bounded, whatever comes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from ipaddress import ip_address as parsed

# Wrong passwords before the first wait.
FREE = 10

LONGEST_WAIT = 60.0

# Seconds: wrong passwords are forgotten so long after the last one.
FORGOTTEN = 900.0

# Seconds for which an address counts as known after a right password came from it.
KNOWN = 3600.0

MOST_CLIENTS = 10_000


@dataclass(slots=True)
class Record:
    """What is known of one client. Times are a clock's now."""

    wrong: int = 0
    last_wrong: float = 0.0
    closed_until: float = 0.0
    last_right: float | None = None


class Attempts:
    """The records of the clients that were seen last."""

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._records: OrderedDict[str, Record] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Seconds for which no password of this client is looked at; 0 where one is."""
        record = self._records.get(client)
        return max(0.0, record.closed_until - now) if record else 0.0

    def known(self, client: str, now: float) -> bool:
        """Whether a right password came from there of late: somebody guessing behind the same address (a NAT, a proxy)
        must not lock out those who know it.
        """
        record = self._records.get(client)
        return record is not None and record.last_right is not None and now - record.last_right < KNOWN

    def wrong(self, client: str, now: float) -> None:
        """Note a wrong password. From the eleventh on each makes the client wait twice as long, up to a minute."""
        record = self._record(client)
        if now - record.last_wrong > FORGOTTEN:
            record.wrong = 0
        record.wrong += 1
        record.last_wrong = now
        beyond = record.wrong - self._free
        if beyond > 0:
            record.closed_until = now + min(LONGEST_WAIT, 2.0 ** min(beyond - 1, 10))

    def right(self, client: str, now: float) -> None:
        """Note a right password. It wipes out no wrong one: a guesser may share the address."""
        self._record(client).last_right = now

    def _record(self, client: str) -> Record:
        record = self._records.setdefault(client, Record())
        self._records.move_to_end(client)
        if len(self._records) > MOST_CLIENTS:
            self._records.popitem(last=False)
        return record


def client_of(address: str) -> str:
    """Who an address stands for: itself, and for IPv6 the network of 64 bits that one client has to itself."""
    try:
        found = parsed(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((int(found) >> 64 << 64, 64)))
    return address
