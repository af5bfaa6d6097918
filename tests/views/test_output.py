"""Where results and progress go, with readers that leave, full disks and no stdout at all."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployster_cli.domain import events
from deployster_cli.domain.units.model import Machine, State, Unit
from deployster_cli.domain.units.names import UnitName
from deployster_cli.errors import DeploysterError
from deployster_cli.views.output import Output, emit
from deployster_cli.views.progress import DatedLines, Progress, progress
from deployster_cli.views.text import aligned, plain

ROWS = [("a", "running"), ("bbb", "failed")]
UNIT = Unit(
    UnitName("carousel", "v1", 1),
    State.LAUNCHED,
    State.LAUNCHED,
    "loaded",
    "active",
    "running",
    Machine("m", "1.1.1.1"),
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> Iterator[Terminal]:
    """A terminal as stdout and stderr."""
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("NO_COLOR", raising=False)
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        yield screen


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOWrapper]]:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        yield read, stream


def test_columns_are_aligned_and_lines_have_no_trailing_blanks() -> None:
    assert aligned(("X", "STATE"), ROWS) == "X    STATE\na    running\nbbb  failed\n"


def test_plain_rows_have_one_tab_between_cells() -> None:
    assert plain(ROWS) == "a\trunning\nbbb\tfailed\n"


def test_an_empty_table_is_a_note_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("X",), [], empty="Nothing there.")
    assert capsys.readouterr() == ("", "Nothing there.\n")


def test_quiet_keeps_notes_back(capsys: pytest.CaptureFixture[str]) -> None:
    Output(quiet=True).note("hello")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("show", [Output.say, Output.note], ids=["say", "note"])
def test_sentences_on_a_terminal_go_on_below(
    monkeypatch: pytest.MonkeyPatch, show: Callable[[Output, str], None]
) -> None:
    with terminal(monkeypatch, columns=20) as screen:
        show(Output(), "Done: carousel v1 runs")
    assert screen.getvalue().rstrip() == "Done: carousel v1\n  runs"


def test_off_a_terminal_sentences_are_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    Output().say("Done: carousel v1 runs\n")
    Output().note("Done: carousel v1 runs")
    assert capsys.readouterr() == ("Done: carousel v1 runs\n", "Done: carousel v1 runs\n")


def test_a_table_is_shown_on_a_terminal_said_to_have_no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, columns=0) as screen:
        Output().table(("NAME", "STATE"), ROWS)
    assert screen.getvalue().count("\n") == 1 + len(ROWS)


def test_a_table_on_a_terminal_is_coloured_by_state(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen:
        Output().table(("NAME", "STATE"), ROWS)
    assert "\x1b[32mrunning" in screen.getvalue()


def test_no_color_leaves_the_colours_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen:
        Output(color=False).table(("NAME", "STATE"), ROWS)
    assert "running" in screen.getvalue()
    assert "\x1b[32m" not in screen.getvalue()


def test_progress_on_a_terminal_is_drawn_with_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen:
        told = progress(Output())
        told.tell(events.Starting(1, 1, (UNIT.name,)))
        told.tell(events.Changed(UNIT, 1))
        told.tell(events.Ready(UNIT, 2))
        told.close()
    assert "ready on 1.1.1.1" in screen.getvalue()


def test_off_a_terminal_lines_are_dated(capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress(DatedLines())
    told.tell(events.Ready(UNIT, 2))
    told.close()
    assert capsys.readouterr().err[10:].endswith("Z   carousel v1 @1  ready on 1.1.1.1  2s\n")


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told = progress(Output(quiet=True))
    told.tell(events.Ready(UNIT, 2))
    told.close()
    assert capsys.readouterr().err == ""


def test_a_reader_that_went_away_is_no_error(pipe: tuple[int, io.TextIOWrapper]) -> None:
    read, stream = pipe
    os.close(read)
    emit("one\n", stream)
    emit("two\n", stream)
    assert not stream.closed


def test_a_full_disk_is_one_sentence() -> None:
    with Path("/dev/full").open("w") as full, pytest.raises(DeploysterError, match="No space left on device"):
        emit("text", full)


def test_a_full_disk_under_the_progress_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        DatedLines().write("dim", "a line")
        Output().note("a note")
        assert not full.closed


def test_no_stdout_at_all_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    Output().text("text")
    assert sys.stdout is None


def test_a_stream_that_can_not_write_a_character_gets_it_spelled_out() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    emit("caf\u00e9 \u2026", stream)
    assert raw.getvalue() == b"caf\\xe9 \\u2026"


# What a machine's metadata or somebody's unit file may have in it.
HOSTILE = "\x1b]0;a title\x07\x1b[2J\x9b31m\u202e"


@pytest.mark.parametrize(
    "show",
    [
        lambda output: output.text(HOSTILE),
        lambda output: output.table(("X",), [(HOSTILE,)]),
        lambda output: output.plain([(HOSTILE,)]),
        lambda output: output.json({"x": HOSTILE}),
        lambda output: output.note(HOSTILE),
    ],
    ids=["text", "table", "plain", "json", "note"],
)
def test_nothing_that_a_cluster_says_changes_the_terminal(
    monkeypatch: pytest.MonkeyPatch, show: Callable[[Output], None]
) -> None:
    with terminal(monkeypatch) as screen:
        show(Output(color=False))
    assert not set("\x1b\x07\x9b\u202e") & set(screen.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_off_a_terminal_text_is_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output().text(f"{HOSTILE}\n")
    assert capsys.readouterr().out == f"{HOSTILE}\n"
