"""The command line over a model of an engine: everything but the engine's own program is real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployster_cli.config import load
from deployster_cli.errors import EngineError
from deployster_cli.main import run
from deployster_cli.operations import clock
from tests.simulation import SimClock, SimEngine

PROJECT = """
[services.carousel]
template = "process"
command = "exec ./serve"
directory = "/srv/carousel/{version}"
"""


@dataclass
class Shell:
    """Runs command lines in a project's folder; keeps the engine they talk to."""

    engine: SimEngine
    capsys: pytest.CaptureFixture[str]

    def __call__(self, line: str, *more: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of one command line; ``more`` are words with spaces or worse in them."""
        code = run([*line.split(), *more])
        out = self.capsys.readouterr()
        return code, out.out, out.err


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in a project with one process service, and an engine with nothing on it."""
    (tmp_path / "deployster.toml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    engine = SimEngine(SimClock())
    monkeypatch.setattr(load, "open_engine", lambda _: engine)
    monkeypatch.setattr(clock, "SystemClock", lambda: engine.clock)
    return Shell(engine, capsys)


Refusing = Callable[[str], None]


@pytest.fixture
def refusing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    """Makes the engine answer every look with an error of these words."""

    def refuse(words: str, kind: type[EngineError] = EngineError) -> None:
        def look() -> None:
            raise kind(words, "Do this.")

        monkeypatch.setattr(shell.engine, "units", look)

    return refuse
