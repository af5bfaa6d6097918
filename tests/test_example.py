"""examples/carousel: the app does what the demo and its settings count on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployster_cli.config.load import load

EXAMPLE = Path(__file__).parent.parent / "examples" / "carousel"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return str(answer.read().decode())


@pytest.fixture
def app() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Release 9f88701's instance 2, listening: its address and its process."""
    port = free_port()
    argv = [sys.executable, "../../carousel.py", "--version", "9f88701", "--instance", "2"]
    process = subprocess.Popen(
        argv,
        cwd=EXAMPLE / "releases" / "9f88701",
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}", process
        process.kill()


@pytest.mark.process
def test_the_page_names_its_version_and_instance(app: tuple[str, object]) -> None:
    assert "<title>Carousel 9f88701, instance 2</title>" in get(app[0] + "/")


@pytest.mark.process
def test_the_page_shows_its_releases_slides(app: tuple[str, object]) -> None:
    assert "<h1>Round and round</h1>" in get(app[0] + "/")


@pytest.mark.process
def test_the_health_path_answers(app: tuple[str, object]) -> None:
    assert get(app[0] + "/up") == "ok\n"


@pytest.mark.process
def test_sigterm_ends_it_at_once_and_well(app: tuple[str, subprocess.Popen[str]]) -> None:
    started = time.monotonic()
    app[1].send_signal(signal.SIGTERM)
    assert (app[1].wait(timeout=5), time.monotonic() - started < 1) == (0, True)


def test_its_settings_can_be_used() -> None:
    settings = load({}, {}, EXAMPLE)
    assert (settings.engine, settings.engines["local"].root) == ("local", str(EXAMPLE / ".deployster"))


def test_its_settings_run_the_release_in_its_folder() -> None:
    assert load({}, {}, EXAMPLE).service("carousel").directory == f"{EXAMPLE}/releases/{{version}}"


def test_its_releases_differ_to_the_eye() -> None:
    colours = {json.loads(file.read_text())["colour"] for file in EXAMPLE.glob("releases/*/slides.json")}
    assert len(colours) == 2
