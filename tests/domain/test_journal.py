"""journald's export format, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.journal import LONGEST_FIELD, Entry, Export, lines_of
from deployster_cli.errors import OutputUnreadable


def written(text: bytes, number: int = 1, *fields: bytes) -> bytes:
    """An entry as journalctl writes it."""
    sized = b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n"
    head = f"__CURSOR=s=ab;i={number:x};b=cd\n__REALTIME_TIMESTAMP={1_000_000 + number}\n".encode()
    return head + b"".join(field + b"\n" for field in fields) + sized + b"\n"


def read(*pieces: bytes) -> list[Entry]:
    export = Export()
    return [entry for piece in pieces for entry in export.feed(piece)]


def test_an_entry_has_its_text_time_and_place() -> None:
    assert read(written(b"one\ntwo", 5)) == [Entry("one\ntwo", (1_000_005, 5), 1.000005)]


def test_what_systemd_says_of_the_unit_is_not_the_units_own() -> None:
    assert [e.own for e in read(written(b"Started.", 1, b"UNIT=a@1.service"), written(b"hello"))] == [False, True]


def test_an_entry_without_place_and_time_is_one_all_the_same() -> None:
    assert read(b"MESSAGE=hello\n\n") == [Entry("hello", (0, 0))]


def test_what_has_no_message_is_no_entry() -> None:
    assert read(b"__REALTIME_TIMESTAMP=1\n\n") == []


def test_journalctls_own_remarks_are_none_either() -> None:
    assert read(b"-- No entries --\n") == []


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 60))
def test_however_it_is_cut_the_entries_are_the_same(texts: list[bytes], size: int) -> None:
    whole = b"".join(written(text, number) for number, text in enumerate(texts))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert [e.text for e in read(*pieces)] == [text.decode(errors="replace") for text in texts]


@pytest.mark.parametrize("text", [b"Error: no such unit\n", b"MESSAGE\n" + b"\xff" * 8])
def test_anything_else_is_unreadable(text: bytes) -> None:
    with pytest.raises(OutputUnreadable, match="journalctl printed something that is no journal"):
        read(text)


def test_a_line_without_end_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployster_cli.domain.journal.LONGEST_FIELD", 100)
    with pytest.raises(OutputUnreadable):
        read(b"x" * 101)
    assert LONGEST_FIELD > 100


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", []), ("\n", [""]), ("a", ["a"]), ("a\r\n\nb\n", ["a", "", "b"]), ("a\u2028b\x0cc\n", ["a\u2028b\x0cc"])],
)
def test_only_a_line_feed_ends_a_line_of_what_was_written(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines


def test_a_field_of_a_size_must_end_with_its_line() -> None:
    with pytest.raises(OutputUnreadable):
        read(b"MESSAGE\n" + (5).to_bytes(8, "little") + b"helloX\n")
