"""A listing redrawn in place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.console import Console

from deployster_cli.errors import EngineMissing
from deployster_cli.operations.watch import Look
from deployster_cli.views.output import Listing, Output
from deployster_cli.views.results import watch
from deployster_cli.views.terminal.watch import Watched
from tests.views.test_output import terminal

# The terminal's other screen.
ON, OFF = "\x1b[?1049h", "\x1b[?1049l"


def listing(states: list[str]) -> Listing:
    rows = [(str(number), state) for number, state in enumerate(states)]
    return Listing(("NUMBER", "STATE"), lambda: rows, lambda: rows, lambda: rows, empty="Nothing there.")


def screen(board: Watched, width: int = 60, height: int = 8) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(board)
    return [line.rstrip() for line in capture.get().splitlines()]


def board(states: list[str], away: str = "") -> Watched:
    made = Watched("units, every 2s")
    made.put(listing(states), "2026-11-23T12:00:01Z", away)
    return made


def test_it_says_what_is_watched_and_when_it_was_looked() -> None:
    assert screen(board(["running"])) == ["units, every 2s  12:00:01 UTC", "", "NUMBER  STATE", "0       running"]


def test_an_engine_that_is_away_is_told_of_above_the_last_table() -> None:
    assert screen(board(["running"], "no answer"))[1:] == [
        "Not updated: no answer",
        "",
        "NUMBER  STATE",
        "0       running",
    ]


def test_silent_machines_are_named_above_the_table() -> None:
    made = Watched("units")
    made.put(listing(["running"]), "2026-11-23T12:00:01Z", "", ["m2 does not answer: no route."])
    assert screen(made)[1] == "m2 does not answer: no route. What runs there is not known."


def test_where_the_window_has_no_room_for_all_it_says_how_many_there_are() -> None:
    lines = screen(board(["running"] * 30))
    assert (len(lines), lines[-1]) == (8, "… 30 rows in all")


def test_nothing_is_said_in_words() -> None:
    assert screen(board([]))[-1] == "Nothing there."


def test_after_ctrl_c_the_last_table_stays_on_the_usual_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks() -> Iterator[Look[list[str]]]:
        yield Look(["starting"], "2026-11-23T12:00:01Z")
        yield Look(["running"], "2026-11-23T12:00:02Z")
        raise KeyboardInterrupt

    with terminal(monkeypatch) as stream, pytest.raises(KeyboardInterrupt):
        watch(Output(), looks(), listing, "units")
    before, _, after = stream.getvalue().rpartition(OFF)
    assert (ON in before, "running" in after, "starting" in after) == (True, True, False)


def test_where_the_first_look_fails_nothing_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks() -> Iterator[Look[list[str]]]:
        raise EngineMissing("No fleetctl here.")
        yield

    with terminal(monkeypatch) as stream, pytest.raises(EngineMissing):
        watch(Output(), looks(), listing, "units")
    assert stream.getvalue() == ""
