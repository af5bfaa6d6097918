"""Command lines against a server: the shell of the commands' tests, a real server between it and the engine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployster_cli.backends.remote.connection import Connection
from deployster_cli.backends.remote.login import Login
from deployster_cli.config.load import load
from tests.commands.conftest import Shell, shell
from tests.remote.double import Double, running
from tests.remote.serving import PASSWORD, serving
from tests.simulation import SimEngine

__all__ = ["shell"]

_DATE = re.compile(r"^\S+Z ", re.MULTILINE)


@dataclass
class Both:
    """A shell, and a server over the engine that the shell drives."""

    shell: Shell
    url: str

    @property
    def engine(self) -> SimEngine:
        """The one engine."""
        return self.shell.engine

    def afresh(self) -> None:
        """An engine without units again."""
        self.engine.lives.clear()
        self.engine.leaving.clear()

    def here(self, line: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr without dates) of a command line that drives the engine itself."""
        code, out, err = self.shell(line)
        return code, out, _DATE.sub("", err)

    def there(self, line: str) -> tuple[int, str, str]:
        """The same, through the server."""
        return self.here(f"{line} --server {self.url}")


@pytest.fixture
def both(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    """A shell and a server over one engine."""
    monkeypatch.setenv("DEPLOYSTER_SERVER_PASSWORD", PASSWORD)
    with serving(load({}, os.environ, tmp_path), shell.engine, tmp_path) as url:
        yield Both(shell, url)


@pytest.fixture
def double() -> Iterator[Double]:
    """A server that answers what the test says."""
    with running() as found:
        yield found


@pytest.fixture
def server(double: Double) -> Iterator[Connection]:
    """A connection to it."""
    connection = Connection(double.url, "", lambda: Login("deployster", PASSWORD, "the test"))
    yield connection
    connection.close()
