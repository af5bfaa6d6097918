"""What OpenSSH's programs and name service know about a failed ssh connection. Whatever can't be had is left out."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from deployster_cli.engines import process
from deployster_cli.engines.fleet.ssh.host_keys import HostKey

SSH_PORT = 22

_LIMIT = 5.0
_ADDRESS = re.compile(r"\[?(?P<host>[0-9A-Fa-f.:]+)(?:%\w+)?(?:\]:(?P<port>[0-9]+)|\])?")
_FOUND = re.compile(r"^# Host .* found: line ([0-9]{1,9})", re.MULTILINE)

# ssh-add's exit code where an agent answers and holds none, or is locked.
_NO_KEYS = 1


def agent_keys() -> int | None:
    """How many keys the ssh-agent holds; None where nobody can tell."""
    done = _listed()
    if done is None or done.code not in {0, _NO_KEYS}:
        return None
    return 0 if done.code else len(done.out.splitlines())


def agent_problem() -> tuple[str, str]:
    """Why fleetctl finds no key in the ssh-agent, and the cure; empty where it does, or where nobody can tell."""
    done = _listed()
    if done is None or done.code == 0:
        return "", ""
    if done.code == _NO_KEYS:
        return "The ssh-agent holds no key.", "Give it yours with ssh-add: logs and ssh need it."
    return (
        "No ssh-agent answers.",
        'Start one with eval "$(ssh-agent)", and give it your key with ssh-add: logs and ssh need it.',
    )


def _listed() -> process.Completed | None:
    return _run("ssh-add", "-l")


def sha256(key: HostKey) -> str:
    """Return the SHA256 fingerprint of the key whose MD5 fingerprint fleetctl has told; empty where it can't be had.

    The machine is asked for its keys once more, which only helps where it is reached without a tunnel.
    """
    found = _ADDRESS.fullmatch(key.host)
    if not found:
        return ""
    done = _run("ssh-keyscan", "-T", "3", "-p", found["port"] or str(SSH_PORT), found["host"])
    for blob in _blobs(done.out if done else ""):
        if hashlib.md5(blob, usedforsecurity=False).hexdigest() == key.md5.replace(":", ""):
            return base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return ""


def lines_of(host: str, file: str) -> tuple[int, ...]:
    """Return the lines of a file of known hosts that are about a host, as that file writes it."""
    done = _run("ssh-keygen", "-F", host, "-f", file)
    return tuple(int(line) for line in _FOUND.findall(done.out)) if done else ()


def addresses(tunnel: str) -> tuple[str, ...]:
    """HOST[:PORT] as fleetctl writes it into its file: it knows machines by their addresses only."""
    try:
        parts = urlsplit(f"//{tunnel}")
        host, port = parts.hostname or "", parts.port or SSH_PORT
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return ()
    return tuple(dict.fromkeys(known_as(str(address[0]), port) for *_, address in found))


def known_as(address: str, port: int = SSH_PORT) -> str:
    """Return an address and port as a file of known hosts has it."""
    if port != SSH_PORT:
        return f"[{address}]:{port}"
    return f"[{address}]" if ":" in address else address


def _blobs(scanned: str) -> Iterator[bytes]:
    for line in scanned.split("\n"):
        words = line.split()
        if len(words) == len(("host", "kind", "key")) and not line.startswith("#"):
            try:
                yield base64.b64decode(words[2])
            except ValueError:
                continue


def _run(*argv: str) -> process.Completed | None:
    try:
        return process.run(argv, limit=_LIMIT)
    except process.NotStarted:
        return None
