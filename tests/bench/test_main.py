"""python -m bench: a quick run of what is cheap works; what lacks a program is skipped by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import BENCHMARKS, main
from bench.effort import Effort, Failed
from bench.results import Comparison, compared

ROOT = Path(__file__).parents[2]


@pytest.mark.process
def test_a_quick_run_prints_the_table_and_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    argv = [sys.executable, "-m", "bench", "units", "startup", "memory", "--quick", "--write", str(page)]
    ran = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout.count("python -c 'import click'")) == (0, 6)
    assert "Made by `script/bench units startup memory --quick`" in page.read_text()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("serving", "no wrk"),
        ("cluster", "no fleet cluster (fleetctl, FLEETCTL_ENDPOINT)"),
        ("deploy", "no fleet cluster (fleetctl, FLEETCTL_ENDPOINT)"),
        ("ssh", "no machines (SSH_CONFIG: an ssh_config with a line Host for each)"),
    ],
)
def test_what_lacks_a_program_is_skipped_by_name(
    name: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert CliRunner().invoke(main, [name]).stdout.endswith(f"{name} skipped: {why}\n")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes start-up's benchmark fail at once."""

    def fail(_: Effort) -> list[Comparison]:
        raise Failed("fleetctl ended with 1")

    monkeypatch.setattr("bench.startup.run", fail)


@pytest.mark.usefixtures("failing")
def test_a_benchmark_that_fails_is_told_of_in_one_sentence() -> None:
    ran = CliRunner().invoke(main, ["startup"])
    assert (ran.exit_code, ran.stderr) == (1, "Error: startup: fleetctl ended with 1\n")


@pytest.mark.usefixtures("failing")
def test_the_others_are_measured_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.memory.run", lambda _: [compared("memory", "click", "MB", [(2, 1)])])
    assert "memory     2 MB" in CliRunner().invoke(main, ["startup", "memory"]).stdout


@pytest.mark.usefixtures("failing")
def test_a_run_with_a_failure_writes_no_page(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["startup", "--write", str(tmp_path / "page.md")])
    assert not (tmp_path / "page.md").exists()


def test_every_benchmark_has_a_module() -> None:
    assert [name for name in BENCHMARKS if not (ROOT / "bench" / f"{name}.py").exists()] == []
