"""-v: every call of the engine's program, on stderr."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployster_cli.main import run
from deployster_cli.views.output import Output
from tests.test_shells import project

CALL = r"\$ fleetctl (?:\S+ )*list-unit(?:s|-files) .* exit 0  \d+\.\d{3}s"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with a stand-in for fleetctl."""
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")


@pytest.mark.process
@pytest.mark.parametrize("argv", [["-v", "units"], ["units", "-v"], ["units", "--verbose", "-o", "json"]])
def test_each_call_is_a_line_with_its_exit_code_and_time(
    here: None, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [bool(re.fullmatch(CALL, line)) for line in lines] == [True, True]


@pytest.mark.process
def test_the_next_run_is_not_told_of(here: None, capsys: pytest.CaptureFixture[str]) -> None:
    run(["-v", "units", "-q"])
    capsys.readouterr()
    run(["units"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("fleetctl", "--endpoint=http://bob:secret@10.0.0.1:1"), "$ fleetctl --endpoint=http://***@10.0.0.1:1"),
        (("fleetctl", "a b", "\x1b[31m"), "$ fleetctl 'a b' '\ufffd[31m'"),
    ],
)
def test_what_it_shows_can_be_read_by_anybody(
    argv: tuple[str, ...], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Output().call(argv, None, 1.5)
    assert capsys.readouterr().err == f"{shown}  timed out  1.500s\n"
