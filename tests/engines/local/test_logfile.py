"""Entries out of a file."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployster_cli.engines.local.supervisor import logfile
from deployster_cli.engines.local.supervisor.logfile import LogFile
from deployster_cli.errors import EngineError


def log(path: Path, lines: int = 10, *, follow: bool = False) -> LogFile:
    return LogFile(path, lines, follow, lambda: ["instead"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.log"


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 99])
@pytest.mark.parametrize("text", ["a\nb\nc\n", "a\nb\nc"])
@pytest.mark.parametrize("block", [1, 2, 65536])
def test_the_last_lines(path: Path, lines: int, text: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "_BLOCK", block)
    path.write_text(text)
    assert [e.text for e in log(path, lines)] == ["a", "b", "c"][max(0, 3 - lines) :]


def test_an_empty_file_gives_way_to_what_tells_more(path: Path) -> None:
    assert [(e.text, e.own) for e in log(path)] == [("instead", False)]


def test_what_comes_while_it_is_followed_comes_once_it_is_whole(path: Path) -> None:
    path.write_text("one\nha")
    entries = log(path, follow=True)
    found = iter(entries)
    first = next(found)
    with path.open("a") as more:
        more.write("lf\n")
    assert (first.text, next(found).text) == ("one", "half")


def test_a_file_that_is_not_there_yet_is_waited_for(path: Path) -> None:
    threading.Timer(0.2, path.write_text, ["one\n"]).start()
    assert next(iter(log(path, follow=True))).text == "one"


@pytest.mark.parametrize("there", [True, False])
def test_another_thread_may_end_it(path: Path, there: bool) -> None:
    if there:
        path.touch()
    entries = log(path, follow=True)
    threading.Timer(0.2, entries.close).start()
    assert list(entries) == []


def test_one_that_may_not_be_read_is_an_error_of_the_engine(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.write_text("x")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(EngineError, match="can't be read: Permission denied"):
        list(log(path))


def test_all_of_it(path: Path) -> None:
    path.write_text("a\nb\nc")
    assert [e.text for e in LogFile(path, None, follow=False, instead=list)] == ["a", "b", "c"]


def test_what_comes_behind_any_entry_is_the_rest(path: Path) -> None:
    path.write_text("a\nb\n\nc")
    entries = list(log(path))
    for number, entry in enumerate(entries, 1):
        assert list(LogFile(path, 10, follow=False, instead=list, after=entry.cursor)) == entries[number:]


def test_a_line_that_is_too_long_comes_in_pieces(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LONGEST", 4)
    path.write_text("123456789\nabc\nx")
    found = LogFile(path, None, follow=False, instead=list)
    assert [(e.text, e.end) for e in found] == [
        ("1234", ""),
        ("5678", ""),
        ("9", "\n"),
        ("abc", "\n"),
        ("x", ""),
    ]


@given(st.lists(st.text("ab", max_size=3)))
def test_places_grow(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_text("".join(f"{line}\n" for line in lines))
        places = [e.place for e in log(path, 100)] if lines else []
    assert places == sorted(set(places))
