"""Leaving without leaving a process behind."""

from __future__ import annotations

import threading

import pytest

from deployster_cli.engines.process import NotStarted, Stream, run, start

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("error")]


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way out that holds for one test."""
    monkeypatch.setattr(start, "_leaving", threading.Event())


@pytest.mark.usefixtures("leaving")
def test_whoever_leaves_ends_all_that_runs() -> None:
    streams = [Stream(["sleep", "60"]) for _ in range(3)]
    start.end_all()
    assert [list(stream) for stream in streams] == [[], [], []]


@pytest.mark.usefixtures("leaving")
def test_whoever_leaves_starts_nothing_more() -> None:
    start.end_all()
    with pytest.raises(NotStarted, match="on our way out"):
        run(["true"], limit=5)
