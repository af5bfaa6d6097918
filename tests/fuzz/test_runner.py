"""script/fuzz: what fails is kept with its input, once; and its table says what was done."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import COLUMNS, Fuzzed
from tests.fuzz.one import Failures
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]


def fuzz(*options: str) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", "tests.fuzz", *options)
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def failing(text: str) -> ValueError:
    try:
        return ValueError(int(text))
    except ValueError as error:
        return error


def test_the_same_failure_is_kept_once_by_its_shortest_input(tmp_path: Path) -> None:
    for data in (b"abc", b"a", b"ab"):
        Failures(tmp_path).note(failing(data.decode()), data)
    assert [file.read_bytes() for file in tmp_path.glob("*.bin")] == [b"a"]


def test_what_failed_is_told_beside_its_input(tmp_path: Path) -> None:
    Failures(tmp_path).note(failing("abc"), b"abc")
    assert "invalid literal for int() with base 10: 'abc'" in next(tmp_path.glob("*.txt")).read_text()


def test_a_row_stands_under_its_head() -> None:
    head = COLUMNS.format("PARSER", "CASES", "SECONDS", "EDGES", "FEATURES", "FAILURES")
    assert len(Fuzzed(max(TARGETS, key=len), 123_456_789, 600.0, 12345, 12345, 0).row) == len(head)


def test_the_page_has_a_row_for_every_parser() -> None:
    page = (ROOT / "docs" / "explanation" / "fuzzing.md").read_text("utf-8")
    assert re.findall(r"^\| ([a-z-]+) +\| +[0-9]", page, re.MULTILINE) == list(TARGETS)


@pytest.mark.process
def test_a_parser_that_there_is_not_is_refused() -> None:
    assert "there is no parser nothing" in fuzz("nothing").stderr


@pytest.mark.process
def test_a_short_run_prints_a_row(tmp_path: Path) -> None:
    if not importlib.util.find_spec("atheris"):
        pytest.skip("atheris is not installed")
    done = fuzz("durations", "--minutes", "0.02", "--folder", str(tmp_path))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["PARSER", "durations"]
