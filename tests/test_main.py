"""The program as a whole: help, wrong commands, faults of ours, signals."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from deployster_cli import __version__
from deployster_cli.cli.group import COMMANDS
from deployster_cli.main import Terminated, run


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"deployster {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    out = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


def test_help_has_the_commands_before_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])
    out = capsys.readouterr().out
    assert out.index("Deploying:") < out.index("Options:")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"Usage: deployster {name}" in capsys.readouterr().out


@pytest.mark.parametrize(("argv", "heading"), [([], "Deploying"), (["templates"], "Commands")])
def test_nothing_to_do_prints_the_help(argv: list[str], heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 0
    assert f"\n{heading}:\n" in capsys.readouterr().out


@pytest.mark.process
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_full_disk_under_the_help_is_one_sentence(option: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "deployster_cli", option],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )
    assert (done.returncode, done.stderr) == (1, "Error: The output can't be written: No space left on device.\n")


@pytest.mark.process
@pytest.mark.parametrize(
    "program", [("-m", "deployster_cli"), ("-c", "from deployster_cli.__main__ import start; start()")]
)
def test_ctrl_c_while_it_still_loads_shows_no_traceback(program: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *program, "units"], check=False, capture_output=True, text=True, timeout=30, env=environ
    )
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_wrong_command_is_told_with_the_nearest_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deploi"]) == 2
    assert "No such command 'deploi'. Did you mean deploy?" in capsys.readouterr().err


def failing_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def burst() -> None:
        raise error

    units = importlib.import_module("deployster_cli.commands.units")
    monkeypatch.setattr(units.cli, "callback", lambda **_: burst())


def test_a_fault_of_ours_exits_3_and_keeps_the_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failing_with(ZeroDivisionError("boom"), monkeypatch)
    assert run(["units"]) == 3
    (file,) = tmp_path.iterdir()
    assert str(file) in capsys.readouterr().err
    assert "ZeroDivisionError: boom" in file.read_text()


def test_a_fault_is_told_even_where_no_file_can_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    failing_with(ZeroDivisionError("boom"), monkeypatch)
    assert run(["units"]) == 3
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Terminated(), 128 + signal.SIGTERM)])
def test_a_signal_gives_its_exit_code(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    failing_with(error, monkeypatch)
    assert run(["units"]) == code


def test_an_error_is_an_annotation_where_github_actions_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from deployster_cli.errors import DeploysterError

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    failing_with(DeploysterError("50 %\n::stop-commands::x", "Do this."), monkeypatch)
    run(["units"])
    assert capsys.readouterr().err == "::error::50 %25\ufffd::stop-commands::x%0ADo this.\n"


def test_control_characters_never_reach_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from deployster_cli.errors import DeploysterError

    failing_with(DeploysterError("red \x1b[31m alert\r"), monkeypatch)
    run(["units"])
    assert "\x1b" not in capsys.readouterr().err
