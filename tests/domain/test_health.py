"""What a health gate got, read from the journal and put into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.health import Answer, answer

HINT = "on 127.0.0.1, and another address has that port: have the service listen on 127.0.0.1 or 0.0.0.0"


@pytest.mark.parametrize(
    ("got", "waits", "told"),
    [
        ("404 ", "404", " answered 404"),
        ("404", "404", " answered 404"),
        ("503 http://127.0.0.1/x", "503", " answered 503"),
        ("301 https://example.com/up", "301 to https://example.com/up", " answered 301 to https://example.com/up"),
        ("302 /in", "302 to /in", " answered 302 to /in"),
        ("000  (curl exit 7)", "refused", ": refused"),
        ("000 ConnectionRefusedError", "refused", ": refused"),
        ("000  (curl exit 7) at 127.0.0.1 alone", f"refused {HINT}", f": refused {HINT}"),
        ("000  (curl exit 28)", "no answer within 5 s", ": no answer within 5 s"),
        ("000 TimeoutError", "no answer within 5 s", ": no answer within 5 s"),
        ("000 timeout", "no answer within 5 s", ": no answer within 5 s"),
        ("000  (curl exit 52)", "connection closed without an answer", ": connection closed without an answer"),
        ("000 RemoteDisconnected", "connection closed without an answer", ": connection closed without an answer"),
        ("000  (curl exit 1)", "curl exit 1", ": curl exit 1"),
        ("000 ", "no answer", ": no answer"),
        ("no success", "no success", ": no success"),
        ("no port yet", "no port yet", ": no port yet"),
    ],
)
def test_an_answer_in_words(got: str, waits: str, told: str) -> None:
    asked = answer([f"waiting for /up: {got}"])
    gave_up = answer([f"not healthy: /up: {got} (12 of 60 tries)"])
    assert (asked and asked.waits, gave_up and gave_up.told) == (f"waiting for /up: {waits}", f"/up{told} (12 times)")


def test_one_time_is_one() -> None:
    found = answer(["not healthy: /up: 404 (1 of 1 tries)"])
    assert found and found.told == "/up answered 404 (1 time)"


def test_how_often_is_told_where_it_is_known() -> None:
    assert Answer("/up", "404").told == "/up answered 404"


def test_the_last_line_counts_and_what_else_the_journal_has_does_not() -> None:
    lines = [
        "Nov 30 04:00:00 m1 sh[7]: waiting for /up: 404",
        "Nov 30 04:00:01 m1 sh[7]: waiting for /up: 503",
        "Nov 30 04:00:02 m1 app[8]: GET /up 503",
        "waiting for the database",
        "not healthy",
    ]
    assert answer(lines) == Answer("/up", "503")


@pytest.mark.parametrize(
    ("line", "over"),
    [("not healthy: /a:b: 404 (2 of 3 tries)", True), ("ended before it was healthy: /a:b: 404 (2 of 3 tries)", False)],
)
def test_giving_up_is_no_end_of_the_service(line: str, over: bool) -> None:
    assert answer([line]) == Answer("/a:b", "404", 2, over)


def test_what_is_asked_need_not_be_a_path() -> None:
    assert answer(["waiting for redis-cli ping: no success"]) == Answer("redis-cli ping", "no success")


def test_without_a_gate_nothing_is_told() -> None:
    assert answer(["Started.", ""]) is None


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_journal_can_be_read(lines: list[str]) -> None:
    answer([*lines, *(f"waiting for {line}" for line in lines)])


def test_where_a_redirect_leads_to_is_cut_short() -> None:
    found = answer([f"waiting for /up: 301 https://{'x' * 5000}"])
    assert found and len(found.got) == 200


def test_what_a_service_sent_reaches_no_terminal_as_it_is() -> None:
    found = answer(["not healthy: /up: 301 https://a/\x1b[31m (1 of 1 tries)"])
    assert found and found.got == "301 to https://a/\ufffd[31m"
