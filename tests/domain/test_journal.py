"""journald's export format, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.domain.units.journal import LONGEST_FIELD, Entry, Export, Lines, lines_of, telling
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
    assert read(written(b"one\ntwo", 5)) == [Entry("one\ntwo", (1_000_005, 5), 1.000005, cursor="s=ab;i=5;b=cd")]


@pytest.mark.parametrize("field", ["UNIT", "USER_UNIT", "OBJECT_SYSTEMD_UNIT", "COREDUMP_UNIT"])
def test_what_is_about_the_unit_is_not_its_own(field: str) -> None:
    assert [e.own for e in read(written(b"text", 1, f"{field}=a@1.service".encode()))] == [False]


@pytest.mark.parametrize("field", [b"PODMAN_EVENT=attach", b"CONTAINER_ID_FULL=00c0ffee"])
def test_what_podman_adds_to_what_it_passes_on_is_not_the_units_own(field: bytes) -> None:
    assert [e.own for e in read(written(b"hello", 1, field), written(b"hello"))] == [False, True]


def test_that_podman_is_called_docker_is_not_the_units_own() -> None:
    words = b"Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg."
    assert [e.own for e in read(written(words), written(words + b" So what?"))] == [False, True]


def test_what_journald_did_not_keep_is_a_number() -> None:
    fields = (b"OBJECT_SYSTEMD_UNIT=a@1.service", b"N_DROPPED=62500")
    assert [e.dropped for e in read(written(b"Suppressed", 1, *fields), written(b"a", 2, b"N_DROPPED=x"))] == [62500, 0]


def test_a_cursor_that_is_none_is_not_used() -> None:
    assert read(b"__CURSOR=--since now\nMESSAGE=hello\n\n")[0].cursor == ""


@pytest.mark.parametrize(
    ("breaks", "lines"),
    [
        ([b"line-max", b"line-max", b""], ["abc"]),
        ([b"pid-change", b"", b"eof"], ["a", "b", "c"]),
        ([b"nul", b"nul", b""], ["a\0b\0c"]),
        ([b"", b"", b"line-max"], ["a", "b", "c"]),
    ],
)
def test_a_line_that_journald_broke_is_one_again(breaks: list[bytes], lines: list[str]) -> None:
    together = Lines()
    fields = [(b"_LINE_BREAK=" + why,) if why else () for why in breaks]
    entries = read(*(written(b"abc"[n : n + 1], n, *fields[n]) for n in range(3)))
    assert [line for entry in entries for line in together.feed(entry)] + together.rest() == lines


def test_a_line_without_end_is_held_only_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployster_cli.domain.units.journal.LONGEST_LINE", 5)
    together, piece = Lines(), Entry("abcd", (1, 1), end="")
    assert [together.feed(piece), together.feed(piece), together.rest()] == [[], ["abcdabcd"], []]


def test_an_entry_of_several_lines_is_several() -> None:
    assert Lines().feed(Entry("a\n\nb", (1, 1))) == ["a", "", "b"]


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
    with pytest.raises(OutputUnreadable, match="journalctl printed something that is not a journal"):
        read(text)


def test_a_line_without_end_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployster_cli.domain.units.journal.LONGEST_FIELD", 100)
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


def printed(who: str, text: str, second: int = 0, host: str = "web1") -> str:
    """A line as journalctl prints it."""
    return f"Nov 30 19:00:{second:02} {host} {who}: {text}"


def a_crash(at: int) -> list[str]:
    """The journal of one start of a unit that prints one line and ends."""
    unit = "web-v1@1.service"
    return [
        printed("systemd[1]", f"Started {unit} - web.", at),
        printed(f"sh[{100 + at}]", "no database", at),
        printed("systemd[1]", f"{unit}: Main process exited, code=exited, status=1/FAILURE", at),
        printed("systemd[1]", f"{unit}: Failed with result 'exit-code'.", at),
        printed("systemd[1]", f"{unit}: Scheduled restart job, restart counter is at {at}.", at),
        printed("systemd[1]", f"Stopped {unit} - web.", at),
    ]


def test_of_a_crash_loop_the_cause_is_left_once() -> None:
    lines = ["-- Boot 5e5b1d52f7a24c2f --", *a_crash(1), *a_crash(2), *a_crash(3)]
    assert telling(lines, 20) == (lines[14], lines[15])


@pytest.mark.parametrize(
    "text",
    [
        "web-v1@1.service: Failed at step EXEC spawning /app: No such file or directory",
        "web-v1@1.service: Failed to load environment files: No such file or directory",
        "web-v1@1.service: start-post operation timed out. Terminating.",
        "web-v1@1.service: A process of this unit has been killed by the OOM killer.",
        "web-v1@1.service: Main process exited, code=killed, status=9/KILL",
        "web-v1@1.service: Failed with result 'protocol'.",
    ],
)
def test_what_systemd_says_of_why_a_unit_ended_is_kept(text: str) -> None:
    why = printed("systemd[1]", text)
    assert telling([*a_crash(1)[:1], why, *a_crash(1)[3:]], 20) == (why,)


def test_words_of_systemds_that_a_program_writes_are_its_own() -> None:
    line = printed("web[7]", "Started worker 1")
    assert telling([line], 20) == (line,)


def test_a_text_of_several_lines_counts_as_a_whole() -> None:
    trace = ["             ^^^", "             ^^^"]
    lines = [printed("sh[1]", "Oops", 1), *trace, printed("sh[2]", "Oops", 2), "    other", printed("sh[3]", "Oops", 3)]
    assert telling([*lines, *trace], 20) == (*lines[3:5], lines[5], *trace)


def test_lines_that_are_the_same_with_their_time_and_process_are_kept() -> None:
    lines = [printed("python[5]", text, 1) for text in ("in f", "^^^", "in g", "^^^")]
    assert telling(lines, 20) == tuple(lines)


def test_lines_without_a_time_are_kept_as_they_are() -> None:
    assert telling(["  a", "b", "  a", "b"], 3) == ("b", "  a", "b")


def test_bookkeeping_alone_is_shown_as_it_is() -> None:
    lines = [line for line in a_crash(1) if "Started" in line or "Stopped" in line]
    assert telling(lines, 1) == (lines[-1],)
    assert telling(["-- No entries --"], 20) == ("-- No entries --",)
