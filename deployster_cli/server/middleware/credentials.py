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
from pathlib import Path

from deployster_cli.config.load import ServeOptions
from deployster_cli.errors import ConfigError

# The default password, which the whole world can read.
WELL_KNOWN = "mmmhm"

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
    name, _, port = host.rpartition(":")
    return (name if port.isdigit() else host).lower()


_LONGEST = 1024

# Characters. One that is shorter can be guessed by somebody who tries for long enough.
SHORT = 12

# Long enough, and tried first all the same.
_KNOWN = {"changemeplease", "deployster123", "passwordpassword", "password1234", "123456789012", "qwertyuiop123"}

# Different characters: with no more it is a key held down.
_FEW = 4


def weakness(known: Login) -> str:
    """Why a password can be guessed, to go behind "the password …"; empty where it doesn't look like it."""
    plain = known.password.lower()
    if len(plain) < SHORT:
        return f"has fewer than {SHORT} characters"
    if plain in _KNOWN or plain == known.username.lower():
        return "is one that everybody tries first"
    return "is made of very few different characters" if len(set(plain)) <= _FEW else ""


def login(options: ServeOptions) -> Login:
    """Return the name and password to ask for; the well-known one where none is given. ConfigError for an
    unfit file.
    """
    if options.password and options.password_file:
        raise ConfigError("A password and a file that has it are too much: give one of --password and --password-file.")
    given = _read(options.password_file) if options.password_file else options.password
    return Login(options.username, given or WELL_KNOWN)


def _read(path: str) -> str:
    """Return the file's only line. No message repeats it."""
    try:
        with Path(path).open("rb") as file:
            password = file.read(_LONGEST + 1).decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigError(f"The password file {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The password file {path} is no text.") from error
    if not password or len(password) > _LONGEST or not password.isprintable():
        raise ConfigError(f"The password file {path} must hold one line, the password.")
    return password
