"""fleetctl's question about a host key, answered through a terminal of its own."""

from __future__ import annotations

import os
import time

import pytest

from deployster_cli.engines.fleet.ssh.prompt import accept
from deployster_cli.engines.process import Completed, observed
from tests.engines.fleet.asking import KEY, Asking, asking

__all__ = ["asking"]

pytestmark = pytest.mark.process

PATIENT = 20.0


def accepted(asking: Asking, limit: float = PATIENT) -> str:
    return accept((asking.program, "list-machines"), KEY, os.environ, limit)


def test_a_key_that_is_taken_is_known_from_then_on(asking: Asking) -> None:
    assert accepted(asking) == ""
    assert asking.known


def test_another_key_than_the_person_saw_is_refused(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKS", "another")
    assert accepted(asking) == (
        "the machine has shown another one since, MD5 00:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f."
    )
    assert not asking.known


def test_a_question_about_another_host_is_answered_with_no(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKS", "other-host")
    accepted(asking)
    assert asking.answers == ["no"]


def test_a_fleetctl_that_asks_no_more_is_fine(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKS", "not")
    assert accepted(asking) == ""


def test_a_file_that_cannot_be_written_is_said(asking: Asking) -> None:
    asking.known_hosts.mkdir()
    assert accepted(asking) == f"fleetctl can't write it to {asking.known_hosts}."


def test_a_fleetctl_that_falls_silent_is_not_waited_for(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKS", "silent")
    began = time.monotonic()
    assert accepted(asking, limit=0.5) == "fleetctl fell silent when it was asked to take it."
    assert time.monotonic() - began < 5


def test_whoever_watches_the_calls_sees_this_one_too(asking: Asking) -> None:
    told: list[Completed] = []
    with observed(told.append):
        accepted(asking)
    assert [done.argv for done in told] == [(asking.program, "list-machines")]
