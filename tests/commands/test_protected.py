"""A protected cluster: its name on a terminal, --yes off it."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from deployster_cli.cli.prompts import confirm_protected
from deployster_cli.config.load import Settings, load
from deployster_cli.errors import DeploysterError

FILE = "[clusters.production]\nprotected = true\n[clusters.staging]\n"


@dataclass
class Asking:
    """A run of a cluster whose terminal types what it is told."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, typed: str | None, *, text: str = FILE, yes: bool = False, **flags: object) -> None:
        self.monkeypatch.setattr(sys, "stdin", Keyboard(typed))
        settings = _loaded(self.folder, text, flags)
        with click.Context(click.Command("deploy")):
            confirm_protected(settings, "Deploying carousel v1", yes=yes)


class Keyboard(io.StringIO):
    """A terminal where one line was typed, or (None) no terminal."""

    def __init__(self, typed: str | None) -> None:
        super().__init__(f"{typed}\n")
        self._there = typed is not None

    def isatty(self) -> bool:
        return self._there


def _loaded(folder: Path, text: str, flags: dict[str, object]) -> Settings:
    (folder / "deployster.toml").write_text(text)
    return load(flags, {}, folder)


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    return Asking(tmp_path, monkeypatch)


def test_its_name_goes_on(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    asking("production", cluster="production")
    question = "Deploying carousel v1 on production, a protected cluster. Type its name to confirm: "
    assert "".join(capsys.readouterr()) == question


@pytest.mark.parametrize("typed", ["", "y", "yes", "Production", "productio"])
def test_anything_else_does_not(asking: Asking, typed: str) -> None:
    with pytest.raises(DeploysterError, match="Not confirmed"):
        asking(typed, cluster="production")


def test_off_a_terminal_it_wants_yes(asking: Asking) -> None:
    with pytest.raises(
        click.UsageError, match=r"production, a protected cluster\. Not a terminal: pass --yes to confirm"
    ):
        asking(None, cluster="production")


@pytest.mark.parametrize("typed", [None, ""])
def test_yes_is_not_asked(asking: Asking, typed: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    asking(typed, yes=True, cluster="production")
    assert capsys.readouterr() == ("", "")


def test_neither_is_a_cluster_that_is_not_protected(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    asking(None, cluster="staging")
    assert capsys.readouterr() == ("", "")


def test_the_files_own_cluster_is_called_default(asking: Asking) -> None:
    with pytest.raises(click.UsageError, match="on default, a protected cluster"):
        asking(None, text="protected = true")
