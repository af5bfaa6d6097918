"""lab/faults: what it says without a lab, its page, and one scenario on a lab of the test's own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults import INTRODUCTION, PAGE, command, limited, page, tried
from fleets import Fleet
from place import Lab
from processes import LabError, Missing
from scenarios import SCENARIOS, Scenario
from stage import Stage
from verdicts import HEAD, Row, parsed

REPOSITORY = Path(__file__).parents[2]
LACKING = "This program is missing: ssh-agent"


def faults(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(REPOSITORY / "lab/faults.py"), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage without a lab."""
    return Stage(Lab(tmp_path, "no-lab", "10.79.0", Fleet()), tmp_path)


@pytest.mark.process
def test_the_list_has_every_scenario_and_a_sentence_on_it() -> None:
    lines = faults("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(".")] == list(SCENARIOS)


@pytest.mark.process
def test_a_scenario_that_there_is_not_is_refused() -> None:
    done = faults("kill-machine", "no-such")
    assert (done.returncode, done.stdout, "No scenario no-such" in done.stderr) == (2, "", True)


def test_a_scenario_that_lacks_a_program_is_skipped_by_name(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_: Stage) -> list[Row]:
        raise Missing(LACKING)

    monkeypatch.setitem(SCENARIOS, "odd", Scenario(rows, 5))  # type: ignore[arg-type]
    assert [(row.verdict, row.why) for row in tried(stage, "odd")] == [("not tried", LACKING)]


def test_a_scenario_that_hangs_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(_: Stage) -> list[Row]:
        time.sleep(30)
        return []

    monkeypatch.setitem(SCENARIOS, "odd", Scenario(rows, 0.1))  # type: ignore[arg-type]
    assert [(row.verdict, row.why) for row in tried(stage, "odd")] == [("FAILED", "it took longer than 0.1 s")]


def test_a_limit_that_was_kept_leaves_no_alarm() -> None:
    with limited(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_limit_that_is_over_is_an_error_in_the_middle_of_things() -> None:
    with pytest.raises(LabError, match="longer than"), limited(0.05):
        time.sleep(5)


def shown() -> list[list[str]]:
    """The cells of the page's table, line by line."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_page_is_the_script_s_own() -> None:
    assert PAGE.read_text().startswith(INTRODUCTION)


def test_the_page_has_the_table_s_columns() -> None:
    assert tuple(shown()[0]) == HEAD


def test_the_page_tells_of_every_scenario_and_no_other() -> None:
    assert list(dict.fromkeys(cells[0] for cells in shown()[1:])) == list(SCENARIOS)


def test_a_run_of_some_scenarios_leaves_the_others_rows() -> None:
    before = PAGE.read_text()
    after = page(before, [Row("flips", "odd", error="no")], ["flips"], "Made by me.")
    kept = parsed(before).without({"flips"}).lines
    assert [cells for cells in parsed(after).lines if cells[0] != "flips"] == kept
    assert [line for line in parsed(after).wrong if "flips" in line] == ["- flips, odd: FAILED: no"]


def test_a_run_is_named_for_as_long_as_the_page_has_rows_of_it() -> None:
    told, named = "", []
    for words in ("at-once flips", "flips", "at-once"):
        rows = [Row(name, "odd", error="no") for name in words.split()]
        told = page(told, rows, words.split(), f"Made by `lab/faults {words}`.")
        named.append(re.findall("`lab/faults ([^`]*)`[.]", told))
    assert named == [["at-once flips"], ["flips", "at-once flips"], ["at-once", "flips"]]


def test_a_run_of_all_scenarios_is_named_until_each_was_tried_again() -> None:
    rows = [Row(name, "odd", error="no") for name in SCENARIOS]
    before = page("", rows, list(SCENARIOS), "Made by `lab/faults --write`.")
    assert "--write" in page(before, rows[1:], list(SCENARIOS)[1:], "Made by me.")
    assert "--write" not in page(before, rows, list(SCENARIOS), "Made by me.")


def test_a_run_that_was_interrupted_is_named_with_what_it_came_to() -> None:
    assert command(["--write", "--service", "odd"], ["flips"]) == "lab/faults --write --service odd flips"
    assert command(["--kills", "3", "at-once", "flips"], ["at-once"]) == "lab/faults --kills 3 at-once"
    assert command(["--write"], list(SCENARIOS)) == "lab/faults --write"


def test_a_run_of_all_scenarios_leaves_nothing_of_the_page() -> None:
    after = page(PAGE.read_text(), [Row("flips", "odd", error="no")], list(SCENARIOS), "Made by me.")
    assert (len(parsed(after).lines), after.count("Made by ")) == (1, 1)
