"""What fleetctl says of a call: an answer, or one of our errors, whatever its words and its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from deployster_cli.domain.units.names import UnitName
from deployster_cli.engines import process
from deployster_cli.engines.fleet import results
from deployster_cli.engines.fleet.ssh import agent
from deployster_cli.engines.fleet.ssh.host_keys import HostKey
from deployster_cli.errors import EngineError
from tests.fuzz.target import FIXTURES, Target, read

Judge = Callable[[process.Completed], object]

NAME = UnitName("carousel", "9f88701", 1)

COMMANDS = ("list-units", "start", "cat", "journal", "ssh", "--version")


def fleetctl_words(data: bytes) -> bool:
    """The first byte is the exit code, the second names the command; the rest is stdout, a NUL, and stderr."""
    if len(data) < len("12"):
        return True
    out, _, err = data[2:].decode(errors="replace").partition("\0")
    code = {3: None, 4: -9}.get(data[0] % 5, data[0] % 5)
    done = process.Completed(("fleetctl", COMMANDS[data[1] % len(COMMANDS)]), code, out, err, 1.0)
    taken = [read(partial(_held, judge, done), EngineError) for judge in _JUDGES]
    lines = read(lambda: results.journal_lines(done, NAME), EngineError)
    if lines:
        assert len(lines) == out.removesuffix("\n").count("\n") + 1
        assert all(one.rstrip("\r") == other for one, other in zip(out.split("\n"), lines, strict=False))
    _check_keys(done)
    return taken[0] is not None


def _held(judge: Judge, done: process.Completed) -> tuple[object]:
    """In a tuple, as what it gives may be None too."""
    return (judge(done),)


def _check_keys(done: process.Completed) -> None:
    """What is told of a machine's key can be shown, and put into a command."""
    key = results.unknown_key(done)
    changed = results.changed_key(done)
    for one in (key, changed[0] if changed else None):
        if one:
            assert one.shown
            assert one.compare.startswith("ssh-keygen ")
            assert results.unknown(done, one).message
    if changed:
        assert results.changed(done, *changed, (1, 2), "").message.isprintable()
    assert results.not_let_in(done) in (True, False)


_JUDGES: tuple[Judge, ...] = (
    results.answer,
    results.program_version,
    results.triggered,
    results.removed,
    lambda done: results.unit_options(done, NAME.text),
)


def host_keys(data: bytes) -> bool:
    """What ssh-keyscan prints; and an address, as a file of known hosts has it."""
    text = data.decode(errors="replace")
    blobs = list(agent._blobs(text))
    assert len(blobs) <= text.count("\n") + 1
    first = text.partition("\n")[0]
    found = agent._ADDRESS.fullmatch(first)
    if found:
        assert agent.known_as(found["host"], int((found["port"] or "22")[:5])).strip("[]")
        assert HostKey(first, "ECDSA", "ab:cd").shown
    return bool(blobs)


def _seeds() -> tuple[bytes, ...]:
    cases = [json.loads(path.read_text("utf-8")) for path in sorted((FIXTURES / "fleetctl").glob("*.json"))]
    return tuple(
        bytes([(case["exit"] or 0) % 3, at % len(COMMANDS)]) + f"{case['stdout']}\0{case['stderr']}".encode()[:4000]
        for at, case in enumerate(cases)
    )


TARGET = Target(
    fleetctl_words,
    _seeds(),
    (
        *(
            b"Error ",
            b"Error: ",
            b"Unable to ",
            b"Failed ",
            b"WARNING: Unit ",
            b" in registry differs from local ",
            b"Triggered unit ",
        ),
        *(
            b" start\n",
            b"fleetctl version ",
            b"1.0.0\n",
            b"9" * 30,
            b"\n",
            b"\r\n",
            b"\r",
            b"\xe2\x80\xa8",
            b"\x1b[2J",
            b"\x00",
        ),
        *(
            b"The authenticity of host '",
            b"' can't be established.\n",
            b"ECDSA key fingerprint is ",
            b"Host key verification failed",
        ),
        *(
            b"REMOTE HOST IDENTIFICATION HAS CHANGED",
            b"fingerprint for the ",
            b" key sent by the remote host is\n",
            b"googleapi: Error 404",
        ),
        *(
            b"Add correct host key in ",
            b" to get rid",
            b"Unable to SSH to remote host: ",
            b"dial tcp ",
            b"cannot execute cmdFleet: ",
            b"NAME:\n",
        ),
        *(
            b"Unit carousel-9f88701@1.service not found",
            b" does not exist",
            b"ssh: unable to authenticate",
            b"{said}",
            b"{}",
            b"%s",
        ),
    ),
)
CHANGED = b"REMOTE HOST IDENTIFICATION HAS CHANGED\nfingerprint for the K key sent by the remote host is\nX\n"
KEY = b"10.0.0.1 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=\n"
KEYS = Target(
    host_keys,
    (KEY, KEY + b"# a remark\n" + KEY, b"[10.0.0.1]:2222\n" + KEY),
    (b"[", b"]:", b"%eth0", b"==", b"\n", b" "),
)
