"""Who may ask: HTTP Basic on everything but /healthz, before anything else is looked at.

The well-known password counts on this machine only. A client that guesses is made to wait; the others are not.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

WELL_KNOWN = "mmmhm"
"""The default password, which the whole world can read."""

_FORWARDED = (b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip")

_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Login:
    """The one name and password there are. Neither is ever shown."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Login(…)"

    @property
    def well_known(self) -> bool:
        """Whether anybody can know the password."""
        return self.password == WELL_KNOWN

    def fits(self, header: bytes) -> bool:
        """Whether an Authorization header carries them; takes as long for a nearly right one as for a wrong one."""
        username, password = _given(header)
        name_fits = _equal(username, self.username)
        return _equal(password, self.password) & name_fits


def _given(header: bytes) -> tuple[bytes, bytes]:
    scheme, _, encoded = header.partition(b" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == b"basic" else b""
    except binascii.Error:
        decoded = b""
    username, _, password = decoded.partition(b":")
    return username, password


def _equal(given: bytes, wanted: str) -> bool:
    return hmac.compare_digest(sha256(given).digest(), sha256(wanted.encode()).digest())


def is_loopback(address: str) -> bool:
    """Whether a peer's address is this machine's own."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def is_local(peer: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a request really comes from this machine: not through a proxy, and not from a page that had its own
    name resolved to 127.0.0.1 (the Host header tells).
    """
    if not is_loopback(peer) or any(name in _FORWARDED or name.startswith(b"x-forwarded") for name in headers):
        return False
    return _without_port(headers.get(b"host", b"").decode("latin-1")) in _LOCAL_NAMES


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
