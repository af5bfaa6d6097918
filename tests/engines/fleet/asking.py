"""A stand-in for fleetctl that asks about a host key, for tests that carry the marker ``process``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from deployster_cli.engines.fleet.ssh.host_keys import HostKey

KEY = HostKey("[127.0.0.1]:1", "ECDSA", "b9:82:17:2f:f5:96:ad:44:01:05:fa:cd:c8:bc:9a:3f")


@dataclass(frozen=True)
class Asking:
    """Where it is, what it knows, and every question it has asked with its answer."""

    program: str
    known_hosts: Path
    log: Path

    @property
    def known(self) -> bool:
        """Whether it knows the key."""
        return self.known_hosts.is_file() and KEY.host in self.known_hosts.read_text()

    @property
    def answers(self) -> list[str]:
        """What it was answered, each time that it has asked."""
        return [line.split()[1] for line in self.log.read_text().splitlines()] if self.log.exists() else []


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """One that is first on PATH and knows no key."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "fleetctl"
    shutil.copy(Path(__file__).with_name("asking_fleetctl.sh"), program)
    program.chmod(0o755)
    found = Asking(str(program), tmp_path / "known_hosts", tmp_path / "questions")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("KNOWN_HOSTS", str(found.known_hosts))
    monkeypatch.setenv("QUESTIONS", str(found.log))
    monkeypatch.setenv("HOME", str(tmp_path))
    return found
