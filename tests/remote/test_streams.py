"""Lines and server-sent events out of a body's parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.backends.remote import events as streams
from deployster_cli.backends.remote.errors import NotAServer
from deployster_cli.backends.remote.events import Told, events, lines


def whole(text: str) -> list[Told]:
    return [told for told in events(lines([text.encode()])) if told]


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


def test_an_event_has_its_kind_its_id_and_its_data() -> None:
    assert whole('event: progress\nid: 3\ndata: {"a":\ndata: 1}\n\n') == [Told("progress", "3", ['{"a":', "1}"])]


def test_data_is_json() -> None:
    assert whole('data: {"a":\ndata: 1}\n\n')[0].json == {"a": 1}


def test_data_that_is_no_json_is_nothing() -> None:
    assert whole("data: nonsense\n\n")[0].json is None


def test_data_too_deep_to_read_is_nothing() -> None:
    assert whole("data: " + "[" * 100_000 + "\n\n")[0].json is None


def test_an_event_without_data_is_forgotten_with_its_kind() -> None:
    assert whole("event: end\n\ndata: {}\n\n") == [Told(data=["{}"])]


@pytest.mark.parametrize("number", ["\u2028", "\x00", "a b", "\u0661"])
def test_an_id_that_no_header_can_carry_back_is_passed_over(number: str) -> None:
    assert [told.id for told in whole(f"id: 1\nid: {number}\ndata: a\n\n")] == ["1"]


def test_the_last_id_counts_on() -> None:
    assert [told.id for told in whole("id: 1\ndata: a\n\ndata: b\n\n")] == ["1", "1"]


def test_every_line_that_ends_no_event_is_a_sign_of_life() -> None:
    assert list(events([": still here", "", "retry: 1000", ""])) == [None, None, None, None]
