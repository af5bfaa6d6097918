"""Ctrl-Z while something is drawn in place."""

from __future__ import annotations

import os
import signal

import pytest

from deployster_cli.views.terminal.live import STDERR, suspendable


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What SIGTSTP would have done at each moment that the process stopped; here it never does."""
    seen: list[object] = []
    monkeypatch.setattr(signal, "raise_signal", lambda number: seen.append(signal.getsignal(number)))
    return seen


def test_the_terminal_is_given_back_and_taken_again(stopped: list[object], capfd: pytest.CaptureFixture[str]) -> None:
    with suspendable("left ", "entered ", STDERR):
        os.kill(os.getpid(), signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
    assert capfd.readouterr().err == "left entered left entered "


def test_the_process_does_stop(stopped: list[object]) -> None:
    with suspendable("", "", STDERR):
        os.kill(os.getpid(), signal.SIGTSTP)
    assert stopped == [signal.SIG_DFL]


def test_afterwards_ctrl_z_is_what_it_was(stopped: list[object]) -> None:
    with suspendable("", "", STDERR):
        pass
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL


def test_where_it_is_ignored_it_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    taken: list[int] = []
    monkeypatch.setattr(signal, "signal", lambda number, _: taken.append(number))
    with suspendable("", "", STDERR):
        pass
    assert taken == []
