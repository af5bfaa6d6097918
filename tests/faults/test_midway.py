"""Changes that are hit when they are under way: what is there is all old or all new, or what the message says."""

from __future__ import annotations

import pytest

from tests.faults.given import Shell
from tests.faults.trials import ENGINE, FAILED, OLD, ROWS, VERBS, Trial, midway, unlucky

pytestmark = pytest.mark.process

# In each kind of call, one of the ways in which it may go wrong; python -m tests.faults tries all of them.
ONCE = {
    "cat": "garbled",
    "submit": "held",
    "list-units": "empty",
    "list-unit-files": "lie",
    "start": "held",
    "stop": "lie",
    "unload": "hang",
    "destroy": "held",
}


@pytest.mark.parametrize("verb", VERBS)
def test_one_call_that_goes_wrong_leaves_nothing_that_the_next_run_does_not_mend(shell: Shell, verb: str) -> None:
    assert midway(shell, "deploy", ONCE[verb], verb, times=1) == ""


def test_a_plan_is_not_made_of_a_listing_that_lacks_what_is_surely_there(shell: Shell) -> None:
    trial = Trial(shell, ROWS["deploy"])
    done = trial.run("empty", ("list-units", "list-unit-files"), times=2)
    assert (trial.faults, done.code) == ([], 0), str(trial)


def test_a_listing_that_stays_empty_under_our_own_lock_ends_the_deploy(shell: Shell) -> None:
    trial = Trial(shell, ROWS["deploy"])
    done = trial.run("empty", ("list-units", "list-unit-files"))
    assert (trial.faults, done.code, shell.cluster.launched) == ([], ENGINE, OLD), str(trial)


@pytest.mark.parametrize("verb", ["list-units", "start"])
def test_a_call_that_never_works_again_ends_the_rollout_and_the_next_run_mends_it(shell: Shell, verb: str) -> None:
    assert midway(shell, "deploy", "SIGKILL", verb, times=0) == ""


@pytest.mark.parametrize(
    ("name", "seed"), [("deploy", 1), ("deploy", 2), ("deploy", 3), ("rollback", 4), ("scale", 5), ("destroy", 6)]
)
def test_with_one_call_in_five_failing_it_ends_all_new_or_all_old(shell: Shell, name: str, seed: int) -> None:
    assert unlucky(shell, name, seed) == ""


@pytest.mark.parametrize("seed", range(2))
def test_a_release_that_fails_costs_no_instance_of_the_one_before(shell: Shell, seed: int) -> None:
    shell.cluster.switch("flaky", seed=seed)
    done = shell("deploy carousel bad --destroy-previous --settle 0s --timeout 60s")
    assert (done.code in {FAILED, ENGINE}, shell.cluster.fewest()) == (True, len(OLD)), done.err
    assert set(OLD) <= set(shell.cluster.launched)
