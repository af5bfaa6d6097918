"""Whose a lock is, by what the machines have."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.lock import Note
from deployster_cli.engines.ssh.locks import Votes


def note(token: str, beat: int = 0) -> Note:
    return Note("web", "ann", "laptop", "home", 1, token, 0, beat)


def test_who_is_on_more_than_half_has_it() -> None:
    votes = Votes((note("b"), note("a"), note("b")), 2)
    assert (votes.leading, votes.decided) == (note("b"), True)


def test_where_nobody_is_the_lower_token_leads() -> None:
    votes = Votes((note("b"), note("a")), 2)
    assert (votes.leading, votes.decided) == (note("a"), False)


def test_where_there_is_no_note_nobody_has_it() -> None:
    assert (Votes((), 2).leading, Votes((), 2).decided) == (None, False)


def test_of_an_owners_copies_the_latest_is_told() -> None:
    assert Votes((note("a", 1), note("a", 3)), 2).leading == note("a", 3)


@given(st.lists(st.sampled_from("abc"), max_size=7), st.integers(0, 7))
def test_never_do_two_have_it(tokens: list[str], beat: int) -> None:
    most = 7 // 2 + 1
    notes = tuple(replace(note(token), beat=beat) for token in tokens)
    votes = Votes(notes, most)
    owners = {token for token in tokens if tokens.count(token) >= most}
    assert votes.decided == bool(owners)
    assert not owners or (votes.leading and {votes.leading.token} == owners)
