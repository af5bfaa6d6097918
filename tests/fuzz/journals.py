"""Journals: in whatever pieces they come the entries are the same, and what was written is what is read."""

from __future__ import annotations

from datetime import UTC, datetime

from deployster_cli.domain.units.journal import Entry, Export
from deployster_cli.errors import OutputUnreadable
from tests.fuzz.target import Target, read


def journal(data: bytes) -> bool:
    """journald's export format, whole and in pieces; and an entry whose message this is, in both its forms."""
    for written in (_sized(data), *([] if b"\n" in data else [_plain(data)])):
        assert [entry.text for entry in Export().feed(written)] == [data.decode(errors="replace")]
    whole = read(lambda: Export().feed(data), OutputUnreadable)
    size = 1 + len(data) % 7
    pieces = read(lambda: _in_pieces(data, size), OutputUnreadable)
    assert whole == pieces
    for entry in whole or ():
        assert entry.at is None or datetime.fromtimestamp(entry.at, UTC).isoformat()
    return whole is not None


def _in_pieces(data: bytes, size: int) -> list[Entry]:
    export = Export()
    return [entry for at in range(0, len(data), size) for entry in export.feed(data[at : at + size])]


def _plain(message: bytes) -> bytes:
    return b"MESSAGE=" + message + b"\n\n"


def _sized(message: bytes) -> bytes:
    return b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n\n"


SEED = (
    b"__CURSOR=s=ab;i=1f;b=cd\n__REALTIME_TIMESTAMP=1767323045000000\nUNIT=a-b@1.service\n"
    + _plain(b"one")
    + b"__REALTIME_TIMESTAMP=1767323046000000\n"
    + _sized(b"two\nlines")
)

TARGET = Target(
    journal,
    (SEED, b"-- No entries --\n", b"", _sized(b"")),
    (
        *(
            b"MESSAGE=",
            b"MESSAGE\n",
            b"__REALTIME_TIMESTAMP=",
            b"__CURSOR=",
            b"i=ffffffffffffffffff",
            b"\n\n",
            b"9" * 30,
            b"-- ",
        ),
        *(b"\x03" + bytes(7), b"\xff" * 8, b"UNIT=", b"USER_UNIT=", b"\xd9\xa1", b"\x00\n"),
    ),
)
