"""Rules that hold for every test: no process starts unless the test says so by its marker."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.engines.local.machine import Machine, booted, missing

MAY_START_PROCESSES = {"process", "fleet", "systemd", "ssh", "systemd_analyze", "docker", "browser"}


# What a background job of a shell, or of nohup, is told to ignore, and hands on to all that the tests start.
HEEDED = ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL))


# Files that take a minute and more, nearly all of it waiting: where several run side by side these begin at once.
LONGEST = (
    *("tests/lab/test_lab.py", "tests/server/test_openapi.py", "tests/docs/test_typed_pages.py", "tests/faults/"),
    *("tests/docker/", "tests/server/test_pentest.py", "tests/examples/", "tests/test_prompts.py"),
    "tests/engines/ssh/test_containers.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first. The order within a file stays."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_configure() -> None:
    """Ctrl-C, a closed terminal and Python's buffers are the same to what tests start, whoever started the tests."""
    os.environ.pop("PYTHONUNBUFFERED", None)
    for number, handler in HEEDED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


class StrayProcess(AssertionError):
    """A test started a process without carrying one of the markers that allow it."""


@pytest.fixture(autouse=True)
def no_stray_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that starts a process without saying so (pytest-subprocess's ``fp`` replaces Popen itself)."""
    markers = {marker.name for marker in request.node.iter_markers()}
    if not markers & MAY_START_PROCESSES and "fp" not in request.fixturenames:

        def refuse(*args: object, **_: object) -> None:
            raise StrayProcess(f"this test started a process without a marker: {args}")

        monkeypatch.setattr(subprocess, "Popen", refuse)
    yield


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that systemd runs, one for a module; who wants it is skipped where none can be had."""
    if why := missing():
        pytest.skip(why)
    with booted(tmp_path_factory.mktemp("machine") / "console") as found:
        yield found


@pytest.fixture(autouse=True)
def no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is the same where GitHub Actions runs the tests."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
