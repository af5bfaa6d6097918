"""Who is asked about unknown host keys."""

from __future__ import annotations

import threading

import pytest

from deployster_cli.engines.fleet.ssh.host_keys import Asking, HostKey, asked, asking

SOMEONE = Asking(lambda _: True)


def test_nobody_is_asked_where_no_command_said_so() -> None:
    assert asking(machine=False) is None


def test_nobody_is_asked_any_more_when_the_run_is_over() -> None:
    with asked(SOMEONE):
        pass
    assert asking(machine=False) is None


def test_another_thread_can_ask_nobody() -> None:
    found: list[Asking | None] = []
    with asked(SOMEONE):
        thread = threading.Thread(target=lambda: found.append(asking(machine=False)))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize(
    ("machines", "machine", "asks"),
    [(False, False, True), (False, True, False), (True, False, True), (True, True, True)],
)
def test_the_clusters_machines_are_asked_about_where_that_was_said(machines: bool, machine: bool, asks: bool) -> None:
    with asked(Asking(SOMEONE.yes, machines)):
        assert (asking(machine=machine) is not None) == asks


@pytest.mark.parametrize(
    ("sha256", "shown"), [("", "MD5 a:b (RSA)"), ("c", "SHA256:c (RSA, MD5 a:b)")], ids=["MD5 only", "both"]
)
def test_the_better_fingerprint_comes_first(sha256: str, shown: str) -> None:
    assert HostKey("h", "RSA", "a:b", sha256).shown == shown
