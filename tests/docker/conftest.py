"""One machine with a docker for all tests here; they are skipped by name where a program for it is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docker.dock import Dock, docked, missing, root_with

WEB = """#!/bin/sh
# Answers /up once $SLOW seconds have passed (or never), and its environment at /env.
trap 'exit 0' TERM
mkdir -p /www && cd /www && env > all && mv all env
busybox httpd -f -p "${PORT:-3000}" -h /www &
[ "$SLOW" = never ] || { sleep "${SLOW:-0}" & wait $!; echo yes > up; }
wait
"""


@pytest.fixture(scope="session")
def session_dock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dock]:
    why = missing()
    if why:
        pytest.skip(why)
    with docked(tmp_path_factory.mktemp("dock")) as found:
        for version in ("v1", "v2", "v3"):
            files = {"/web": WEB, "/version": version}
            found.image(f"web:{version}", root_with(files=files), '["/web"]')
        yield found


@pytest.fixture
def dock(session_dock: Dock) -> Iterator[Dock]:
    """The machine without a unit of the service ``web``."""
    yield session_dock
    session_dock.free("web")
