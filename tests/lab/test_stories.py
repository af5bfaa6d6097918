"""Stories: what is typed in them, what counts as a trouble, and the fleetctls that lie."""

from __future__ import annotations

import shlex
import signal
import subprocess
import threading
import time
import tomllib
from pathlib import Path

import histories
import pytest
from attempt import Attempt, project, skewed, unskewed
from fleets import Fleet
from histories import EMPTY_OFTEN, REFUSES_WHAT_IT_DID, Do, Scene, Story, lying, troubles
from place import Lab
from processes import LabError
from scenarios import STORIES
from stage import Stage
from verdicts import Expected, Left, Outcome

NAMES = {"service": "broken", "old": "v1", "other": "v2", "new": "v3"}
ALL = [pytest.param(story, id=story.told) for stories, _ in STORIES.values() for story in stories]
BY_HAND = "broken-worker@1.service"
LOCK = "deployster-lock-broken.service"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A stage without a lab; fleetctl is a script of the test's own."""
    return Stage(Lab(tmp_path, "no-lab", "10.79.0", Fleet(), tmp_path), tmp_path)


@pytest.fixture
def scene(stage: Stage) -> Scene:
    """A run that has ended, and said Done."""
    attempt = Attempt.__new__(Attempt)
    attempt.log, attempt.words, attempt.code = stage.folder / "said.log", "deploy broken v3", 0
    attempt.log.write_text("Done: broken v3 runs.\n")
    return Scene(stage, NAMES, attempt)


@pytest.mark.parametrize("story", ALL)
def test_every_command_has_its_names_and_can_be_typed(story: Story) -> None:
    typed = [shlex.split(step.words.format_map(NAMES)) for step in story.steps]
    assert {words[1] for words in typed} == {"broken"}


@pytest.mark.parametrize("story", ALL)
def test_a_story_begins_with_a_deploy_and_leaves_a_version_of_its_own(story: Story) -> None:
    assert (story.steps[0].words.split()[0], story.left in {"old", "new", ""}) == ("deploy", True)


@pytest.mark.parametrize("story", ALL)
def test_a_story_s_project_is_one(story: Story) -> None:
    settings = {key: histories.told(value, NAMES) for key, value in story.settings.items()}
    read = tomllib.loads(project("broken", settings, {"pre_deploy": story.hook.format_map(NAMES)}))
    assert {key: read["services"]["broken"][key] for key in settings} == settings


def listed(monkeypatch: pytest.MonkeyPatch, *units: str, invocation: str = "1 active a") -> None:
    monkeypatch.setattr(Fleet, "registry", lambda *_: list(units))
    monkeypatch.setattr(histories, "invocation", lambda *_: invocation)


def test_a_run_that_says_what_it_should_and_leaves_nothing_is_no_trouble(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch, "broken-v3@1.service")
    assert troubles(scene, Do("", says="Done: {service} {new}"), {BY_HAND: "1 active a"}) == []


def test_a_word_that_is_missing_is_a_trouble(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch)
    (found,) = troubles(scene, Do("", says="start 3"), {})
    assert "does not say 'start 3'" in found


@pytest.mark.parametrize(("code", "count"), [(0, 1), (130, 1), (-signal.SIGKILL, 0)])
def test_a_lock_that_is_left_is_a_trouble_but_after_kill_9(
    code: int, count: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch, LOCK)
    scene.attempt.code = code
    assert len(troubles(scene, Do(""), {})) == count


@pytest.mark.parametrize("now", ["", "1 active b", "2 active a", "1 failed a"])
def test_somebody_else_s_unit_that_is_not_as_it_was_is_a_trouble(
    now: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(monkeypatch, invocation=now)
    (found,) = troubles(scene, Do(""), {BY_HAND: "1 active a"})
    assert BY_HAND in found


def test_another_run_s_end_is_a_trouble_where_it_is_not_as_expected(scene: Scene) -> None:
    scene.expect(scene.attempt, 0)
    scene.expect(scene.attempt, 5)
    (found,) = scene.stage.troubles
    assert "ended with 0, not 5" in found


def test_a_story_that_could_not_be_told_to_its_end_has_failed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def clear(_: Stage) -> None:
        raise LabError("it could not be emptied")

    monkeypatch.setattr(Stage, "clear", clear)
    outcome = Story("odd", (Do("deploy {service} {old}"),)).play(stage)
    assert (outcome.code, outcome.troubles) == (None, ("it could not be emptied",))


@pytest.mark.parametrize(
    ("unit", "ours"),
    [
        ("broken-v1@1.service", True),
        (LOCK, True),
        ("deployster-record-broken.service", False),
        ("broken0-v1@1.service", False),
        ("deployster-lock-broken0.service", False),
        (BY_HAND, False),
    ],
)
def test_a_stage_knows_its_service_s_units(unit: str, ours: bool, stage: Stage) -> None:
    stage.besides.add(BY_HAND)
    assert stage.has(unit) is ours


def test_no_two_tries_have_the_same_service_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stage, "prepare", lambda _: None)
    stage.lanes, busy, lock = 3, set[str](), threading.Lock()

    def one(lane: Stage, number: int) -> Outcome:
        with lock:
            assert lane.service not in busy
            busy.add(lane.service)
        time.sleep(0.01)
        with lock:
            busy.discard(lane.service)
        return Outcome(Expected(0, "new", 1, None, 1), "v1", "v2", number, 0, Left(), 0)

    assert [outcome.code for outcome in stage.several(9, one)] == list(range(9))


# ---- fleetctls that lie, and clocks


def typed(stage: Stage, shell: str, verb: str) -> tuple[int, str]:
    """A call of a lying fleetctl whose real one prints its words."""
    real = stage.folder / "fleetctl"
    real.write_text('#!/bin/sh\necho "$@"\n')
    real.chmod(0o755)
    path = lying(shell)(stage)["PATH"].split(":")[0]
    argv = [f"{path}/fleetctl", "--endpoint=x", verb, "a.service"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    return done.returncode, done.stdout.strip()


@pytest.mark.process
def test_an_empty_listing_is_no_error(stage: Stage) -> None:
    found = {typed(stage, EMPTY_OFTEN, "list-units") for _ in range(40)}
    assert found == {(0, ""), (0, "--endpoint=x list-units a.service")}


@pytest.mark.process
def test_what_is_refused_was_done(stage: Stage) -> None:
    found = {typed(stage, REFUSES_WHAT_IT_DID, "stop") for _ in range(20)}
    assert found == {(0, "--endpoint=x stop a.service"), (1, "--endpoint=x stop a.service")}


@pytest.mark.process
@pytest.mark.parametrize(("shell", "verb"), [(EMPTY_OFTEN, "start"), (REFUSES_WHAT_IT_DID, "list-units")])
def test_other_calls_are_the_real_ones(shell: str, verb: str, stage: Stage) -> None:
    found = {typed(stage, shell, verb) for _ in range(10)}
    assert found == {(0, f"--endpoint=x {verb} a.service")}


@pytest.mark.process
@pytest.mark.parametrize("seconds", [600, -600])
def test_a_clock_that_is_off_is_so_for_all_that_deployster_asks(seconds: int, tmp_path: Path) -> None:
    code = "from deployster_cli.operations.clock import SystemClock as C; print(C().epoch(), C().utc())"
    argv = ["python3", "-c", code]
    environ = {"PATH": f"{Path(__import__('sys').executable).parent}", **skewed(tmp_path / "clock", seconds)}
    said = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=20, check=True).stdout.split()
    now = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(int(said[0])))
    assert (abs(int(said[0]) - time.time() - seconds) < 60, said[1][:16]) == (True, now)


@pytest.mark.parametrize(("seconds", "told"), [(600, "2026-11-30T05:55:00Z"), (-60, "2026-11-30T06:06:00Z")])
def test_a_time_is_told_as_the_others_clocks_have_it(seconds: int, told: str) -> None:
    assert unskewed("2026-11-30T06:05:00Z", seconds) == told
