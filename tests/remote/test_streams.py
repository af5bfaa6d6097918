"""Lines out of a body's parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.backends.remote import events as streams
from deployster_cli.backends.remote.errors import NotAServer
from deployster_cli.backends.remote.events import lines


@given(st.text(), st.lists(st.integers(0, 200)))
def test_lines_are_the_same_however_the_body_was_cut(text: str, cuts: list[int]) -> None:
    content = text.encode()
    at = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    parts = [content[low:high] for low, high in pairwise(at)]
    assert list(lines(parts)) == list(lines([content]))


def test_only_a_line_feed_ends_a_line() -> None:
    assert list(lines(["a\u2028b\x0cc\rd\r\ne".encode()])) == ["a\u2028b\x0cc\rd", "e"]


def test_what_is_no_text_is_shown_as_such() -> None:
    assert list(lines([b"\xff\n"])) == ["\ufffd"]


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 10)
    with pytest.raises(NotAServer, match="a line of more than 10 bytes"):
        list(lines([b"12345", b"678901"]))
