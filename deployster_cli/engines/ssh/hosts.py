"""The machines of the ssh engine as the configuration names them. Pure, and read by every command."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from deployster_cli.domain.kinds import Kind, shown
from deployster_cli.domain.limits import HIGHEST_PORT, fits_metadata
from deployster_cli.domain.units.names import quoted

_LOGIN = r"(?:(?P<user>[^\s@-][^\s@]*)@)?"
_ADDRESS = re.compile(
    _LOGIN + r"(?:\[(?P<six>[0-9A-Fa-f:.%]+)\]|(?P<name>[A-Za-z0-9_][\w.%-]*))(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_BARE_SIX = re.compile(_LOGIN + r"(?P<six>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*)", re.ASCII)

# Of a machine's table.
_KEYS = frozenset({"host", "metadata"})


class Host(NamedTuple):
    """One machine as the configuration names it. ``text`` is what it says, ``address`` what ssh is told ([user@]name).

    ``port`` is empty where ssh is to find it. ``metadata`` is the user's own: (key, value).
    """

    text: str
    address: str
    port: str = ""
    metadata: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As the configuration says it."""
        return self.text

    @property
    def name(self) -> str:
        """What people call it: the address without the login."""
        return self.address.rpartition("@")[2] + (f":{self.port}" if self.port else "")

    @property
    def target(self) -> str:
        """One word by which ssh(1) finds it: a URI where it has a port."""
        if not self.port:
            return self.address
        login, at, name = self.address.rpartition("@")
        return f"ssh://{login}{at}{f'[{name}]' if ':' in name else name}:{self.port}"


def host(text: str, metadata: Mapping[str, str] | None = None) -> Host | None:
    """``[user@]name[:port]`` as a machine; IPv6 addresses with a port in brackets. None for what is none."""
    found = _ADDRESS.fullmatch(text) or _BARE_SIX.fullmatch(text)
    if not found:
        return None
    parts = found.groupdict()
    port = parts.get("port") or ""
    if port and not 0 < int(port) <= HIGHEST_PORT:
        return None
    login = f"{parts['user']}@" if parts["user"] else ""
    return Host(text, login + (parts["six"] or parts["name"]), port, tuple((metadata or {}).items()))


def machine(value: object) -> Host | None:
    """Return a machine as deployster.toml has it: its address, or a table with host and metadata. None for what is
    neither.
    """
    if isinstance(value, str):
        return host(value)
    if not isinstance(value, dict) or value.keys() - _KEYS or not isinstance(value.get("host"), str):
        return None
    metadata = value.get("metadata", {})
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    fit = all(isinstance(given, str) and fits_metadata(f"{key}={given}") for key, given in pairs)
    return host(value["host"], metadata) if isinstance(metadata, dict) and fit else None


def _flaw(value: object) -> str:
    """Why it is no list of machines, each named once; empty for one that is, and for what is no list."""
    names: set[str] = set()
    for number, item in enumerate(value if isinstance(value, list | tuple) else (), 1):
        found = machine(item)
        if found is None:
            return _flaw_of(item, number)
        if found.name in names:
            return f"must not name {found.name} twice"
        names.add(found.name)
    return ""


def _flaw_of(item: object, number: int) -> str:
    if not isinstance(item, dict):
        return f"must be {_WANTED}, and element {number} is {shown(item)}"
    if unknown := next((key for key in item if key not in _KEYS), ""):
        from deployster_cli.domain.wording import nearest  # only on the way to an error

        near = nearest(unknown, _KEYS)
        known = f"did you mean {quoted(near)}?" if near else "there are host and metadata"
        return f"must not have the key {quoted(unknown)} in element {number} ({known})"
    if not (isinstance(item.get("host"), str) and host(item["host"])):
        return f'must have a host = "web3", as ssh takes it, in element {number}'
    return f'must have metadata like {{ zone = "z2" }} in element {number}'


_WANTED = (
    'a list of machines as ssh takes them ("web1", "deploy@web2:2222", { host = "web3", metadata = { zone = "z2" } })'
)

# As text, with commas between and without metadata.
MACHINES = Kind(
    _WANTED,
    lambda value: isinstance(value, list | tuple) and not _flaw(value),
    lambda text: [item.strip() for item in text.split(",")] if text else [],
    lambda value: tuple(filter(None, map(machine, value))),
    flaw=_flaw,
)
